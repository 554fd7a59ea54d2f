#pragma once
#include <sys/inotify.h>
#include <sys/eventfd.h>
#include <inotifytools/inotifytools.h>
