// What the library shows to others. Everything else is hidden.
#pragma once

#define QUDNN_API __attribute__((visibility("default")))
