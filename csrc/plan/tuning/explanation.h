// What the log says of a chosen plan: one line, and with Configuration::explain why it is this one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "export.h"
#include "plan/common/choice.h"
#include "plan/common/host.h"
#include "plan/problem/problem.h"
#include "plan/tuning/contenders.h"

namespace qudnn::plan {

// What came of a tuning.
struct Outcome {
    const Problem& problem;
    const Host& host;
    const Contenders& contenders;
    const Plan& reference;
    double reference_microseconds;  // 0: it was not run
};

// Logs which plan runs: a warning where that is the plain native one, and it is slow or another one was asked
// for; else seen at log level info only.
QUDNN_API void log_choice(const Outcome& outcome, const Choice& choice);

// Logs that the reference runs since plans could not be compared.
void log_unchecked(const Outcome& outcome, const Choice& choice, const std::string& why);

// Logs a plan that was found there, if the configuration asks for it.
QUDNN_API void log_found(const Problem& problem, const Host& host, const Choice& choice,
                         const std::string& where);

// The chosen plan; then a line for each engine and each plan that is out, with the reason; one for each plan
// that was timed, the fastest first; one for each that was not tried; one for the reference.
std::string explanation(const Outcome& outcome, const Choice& choice);

// The same of a plan that was found: nothing was timed, so the lines say what each engine answers.
std::string explanation(const Problem& problem, const Host& host, const Choice& choice,
                        const std::string& where, std::span<const Answer> answers);

// For a kernel that runs in the place of a faster one, which declined: says so in the log, once for each
// node and reason, if the configuration asks for it. An empty refusal: it did not.
QUDNN_API void explain_slow_kernel(const Host& host, std::string_view kernel, std::string_view refusal);

}  // namespace qudnn::plan
