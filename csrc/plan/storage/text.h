// Texts that came from a file, before they are taken for such or shown.
#pragma once

#include <string>
#include <string_view>

namespace qudnn::plan {

// Whether the bytes are UTF-8, which Python's strings are made of.
bool is_utf8(std::string_view bytes);

// The text with every byte that is no printable ASCII as \xNN: it cannot do anything to a terminal.
std::string printable(std::string_view text);

}  // namespace qudnn::plan
