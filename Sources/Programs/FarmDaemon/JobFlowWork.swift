import FarmAPI
import FarmModel
import FarmStore
import SystemPackage
import VolumeFiles

/// Who works on what, and what happened.
extension JobFlow {
  func workers() -> [WorkerLine] {
    let busy = running.values.map { running in
      WorkerLine(
        name: running.worker ?? "starting", task: running.task.id, job: running.task.job,
        framesLeft: running.waiting.count, frame: running.current?.frame, part: running.current?.part,
        since: running.begun.rfc3339, restsFor: jobsRested(on: running.worker ?? ""))
    }
    let names = Set(busy.map(\.name))
    let free = (abilities?.workers ?? []).filter { !names.contains($0) }
    return
      (busy
      + free.dropLast(names.contains("starting") ? 1 : 0).map { name in
        WorkerLine(name: name, restsFor: jobsRested(on: name))
      })
      .sorted { $0.name < $1.name }
  }

  /// The jobs that are rendered now and of which a worker is given nothing.
  private func jobsRested(on worker: String) -> [JobName] {
    let workers = abilities?.workers ?? []
    return open.values.map(\.revision).filter { revision in
      restingWorkers.mayRest(for: revision.id)
        && restingWorkers.resting(among: workers, for: revision.id).contains(worker)
    }.map(\.name).sorted { $0.description < $1.description }
  }

  func tasks(_ query: [String], limit: Int) async throws -> [TaskLine] {
    let query = try JobQuery(parsing: query)
    let meant = query.words.isEmpty ? nil : Set(try await jobs(meantBy: query, adopted: true).map(\.name))
    return try await setup.ledger.tasks(limit: limit) { meant?.contains($0) ?? true }.map(TaskLine.init)
  }

  func task(_ id: Int64) async throws -> TaskDetail {
    guard let task = try await setup.ledger.task(id) else { throw CommandFailure.noTask(id) }
    let revision = try await setup.ledger.revision(task.revision)
    return TaskDetail(
      line: TaskLine(task, of: revision), log: task.log, pid: task.state == .active ? task.pid : nil,
      command: try await commandLine(task, of: revision))
  }

  /// Of the snapshot while there is one, else of the file when it is still what was rendered.
  private func commandLine(_ task: TaskRecord, of revision: Revision) async throws -> String? {
    guard let blender = revision.blender, let job = try await setup.ledger.job(revision.name) else { return nil }
    let snapshot = try await snapshot(of: revision).path
    let isNewest = job.revision == revision.number && unsettled[job.name] == nil
    let places = [snapshot] + (isNewest ? [setup.volume.root.appending(job.path)] : [])
    // Unreadable: it cannot be rendered either.
    let file = await BlockingWork.run(at: snapshot, atMost: Self.patience) {
      places.first { (try? FileStatus(at: $0)).flatMap(\.self) != nil }
    }
    guard let file = file.flatMap(\.self) else { return nil }
    return setup.engine.commandLine(
      for: RenderTask(
        id: task.id, revision: revision.id, job: revision.name, frames: task.frames, blend: file.string,
        part: task.part, settings: revision.settings, folder: "/tmp/farm-task-\(task.id)", format: revision.format,
        blender: blender,
        log: task.log,
        namingObject: try await setup.ledger.release(named: revision.name.release)?.order.namingObject))
  }

  func history(_ query: [String], limit: Int) async throws -> [HistoryLine] {
    let (query, now) = (try JobQuery(parsing: query), setup.clock.now())
    return try await setup.ledger.history(limit: limit) { $0.fits(query, now: now) }.reversed()
  }
}

extension TaskLine {
  init(_ task: TaskRecord, of revision: Revision) {
    self.init(
      id: task.id, job: revision.name, revision: revision.number, frames: task.frames.description,
      part: task.part.scene == revision.scene
        ? RenderPart(layer: task.part.layer, tile: task.part.tile).words : task.part.words,
      state: task.state,
      worker: task.worker, startedAt: task.startedAt.rfc3339, endedAt: task.endedAt?.rfc3339, problem: task.problem)
  }
}
