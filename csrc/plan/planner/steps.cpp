#include "plan/planner/steps.h"

#include "plan/common/configuration.h"
#include "plan/common/engine.h"
#include "plan/common/step.h"
#include "plan/planner/planner.h"

namespace qudnn::plan {

namespace {

// Where the only engine is one that delegates, any engines may do what it delegates.
const Configuration& of_steps(const Configuration& given) {
    if (given.only.empty()) return given;
    for (const Engine* engine : engines()) {
        if (!engine->delegates() || given.only != engine->name()) continue;
        Configuration any = given;
        any.only.clear();
        return intern(any);
    }
    return given;
}

}  // namespace

void run_steps(const StepProblems& steps, const Arguments& arguments, const Launch& launch, void* between) {
    const auto parts = arguments_of_steps(steps, arguments, between);
    const Configuration& configuration = of_steps(launch.host->configuration());
    for (size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].y_elements() == 0) continue;
        ConvProblem step = steps[i];
        step.alignment = alignment_of(parts[i]);
        run(step, parts[i], Step(launch, i, configuration));
    }
}

}  // namespace qudnn::plan
