#include "testing/hooks.h"

#include "c_api/answer.h"

namespace qudnn::testing {

Objects& objects() {
    static Objects all;
    return all;
}

Value Call::back(const std::string& request) const {
    QudnnAnswer answer{};
    const int status = callback_(request.c_str(), &answer);
    const std::string text = answer.text == nullptr ? "" : std::string(answer.text, answer.size);
    qudnn_release(&answer);
    // Several threads may get it.
    if (status != QUDNN_OK) throw std::invalid_argument(text);
    return parse(text);
}

namespace {

const Hooks& hooks() {
    static const Hooks all = [] {
        Hooks hooks;
        hooks["drop"] = [](const Call& call) {
            objects().drop(call[0].integer());
            return nothing();
        };
        add_problem_hooks(hooks);
        add_store_hooks(hooks);
        add_library_hooks(hooks);
        add_explanation_hooks(hooks);
        add_tuning_hooks(hooks);
#ifdef QUDNN_FAKES
        add_fake_hooks(hooks);
#endif
        return hooks;
    }();
    return all;
}

}  // namespace

}  // namespace qudnn::testing

extern "C" {

QUDNN_C_API int qudnn_testing_call(const char* name, const char* arguments, QudnnTestingCallback callback,
                                   QudnnAnswer* answer) {
    return qudnn::c_api::answered(answer, [&] {
        const auto& hooks = qudnn::testing::hooks();
        const auto found = hooks.find(name);
        if (found == hooks.end()) throw std::invalid_argument(std::string("no hook is called ") + name);
        return found->second({qudnn::testing::parse(arguments), callback});
    });
}

// For a callback: what it answers.
QUDNN_C_API int qudnn_testing_answer(const char* text, QudnnAnswer* answer) {
    return qudnn::c_api::give(answer, text);
}
}
