# Two commands matter: `make demo` shows the farm at work, `make test` runs every test. Both install what is missing.

SWIFT_FLAGS = --explicit-target-dependency-import-check error
# All tests at once would keep those that wait for something from their processor for minutes.
TEST_FLAGS = $(SWIFT_FLAGS) --experimental-maximum-parallelization-width 6
SOURCES = Sources Tests Benchmarks Package.swift

.PHONY: demo test test-blenders check build install deps format soak fuzz bench docs

demo: build
	@packaging/demo

test: build
	@packaging/install-deps tests
	swift test $(TEST_FLAGS)

# What a change has to pass before it is pushed. Warnings are errors in every build (Package.swift).
check: deps
	swift format lint --strict --recursive $(SOURCES)
	$(MAKE) test

# The engine's tests with Blender 4.2 and 5.0 too, as PyPI has them: some 2 GB, installed once into BLENDERS.
BLENDERS = /opt/farm-blenders
test-blenders: build
	@packaging/install-deps tests
	packaging/install-blenders $(BLENDERS)
	FARM_BLENDERS=$(BLENDERS) swift test $(TEST_FLAGS) --filter 'OtherBlendersTests|RenderedPartsTests|UntouchedSceneTests'

# Long tests: the whole suite with FARM_SOAK set, which turns on the suites that take minutes.
soak: build
	@packaging/install-deps tests
	$(MAKE) fuzz FUZZ=-max_total_time=60
	FARM_SOAK=1 swift test $(TEST_FLAGS)

# Millions of damaged .blends and pictures, made by libFuzzer out of a few small ones; what crashes a reader is kept as
# crash-*. Both, or KINDS=blends or KINDS=pictures.
# Optimised, with all checks of bounds and overflow: forty times as many a second. FUZZ_BUILD='-Xswiftc
# -sanitize=fuzzer,address' is without optimisation, and looks at memory too.
FUZZ = -runs=10000000
KINDS = blends pictures
FUZZ_BUILD = -c release -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing
FUZZ_SWIFT = FARM_FUZZ=1 swift build --scratch-path .build-fuzz --product farm-fuzz $(FUZZ_BUILD)
fuzz: deps
	$(FUZZ_SWIFT)
	for kind in $(KINDS); do mkdir -p .build-fuzz/found/$$kind && \
	  SWIFT_BACKTRACE=enable=no "$$($(FUZZ_SWIFT) --show-bin-path)/farm-fuzz" -max_len=16384 -timeout=10 \
	  -rss_limit_mb=2048 -print_final_stats=1 $(FUZZ) .build-fuzz/found/$$kind Tests/Fuzz/seeds/$$kind || exit 1; done

# Measures what is promised, with a release build linked as packages are; prints each figure beside its goal.
RELEASE_FLAGS = -c release --static-swift-stdlib
bench: deps
	@packaging/install-deps bench
	swift build $(RELEASE_FLAGS) --product farm-bench $(SWIFT_FLAGS)
	@"$$(swift build $(RELEASE_FLAGS) --show-bin-path)/farm-bench" $(BENCH)

# Man pages and completions of bash, zsh and fish, out of the programs' own help, into .build/docs.
docs: build
	packaging/manual "$$(swift build --show-bin-path)" .build/docs

build: deps
	@[ -d .build/debug ] || echo "building: a first build takes about 5 minutes on 2 cores"
	swift build --build-tests $(SWIFT_FLAGS)

# Programs that need no Swift where they run, only the libraries that packaging/install-deps names.
PREFIX = /usr/local
install: deps
	for program in farm farmd; do swift build $(RELEASE_FLAGS) --product $$program $(SWIFT_FLAGS) && \
	  install -D -s "$$(swift build $(RELEASE_FLAGS) --show-bin-path)/$$program" "$(DESTDIR)$(PREFIX)/bin/$$program" \
	  || exit 1; done

deps:
	@packaging/install-deps

format:
	swift format --in-place --recursive $(SOURCES)
