// Pipeline stages with the fewest register bits: steepest ascent of an L-natural-convex function, exact.
#pragma once
#include <algorithm>
#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

#include "closure.hh"

namespace da4ml {

// Values in topological order. A value of `width` 0 has no hardware; one without operands stands where it is put.
// Delays are in one unit, whichever, and at most `limit`.
class Retiming {
public:
    struct Value {
        int64_t width = 0, delay = 0;
        int32_t stage = 0;
        bool fixed = false;
        bool is_output = false;  // kept until the end, wherever else it is read
        std::vector<int32_t> operands, consumers;
    };

    std::vector<Value> values;
    int64_t limit = 1;
    int64_t rounds = 0, pairs = 0;

    void connect() {
        for (auto& value : values) value.consumers.clear();
        for (int32_t v = 0; v < size(); ++v)
            for (const int32_t u : values[v].operands) values[u].consumers.push_back(v);
        apart_.assign(values.size(), {});
    }

    // The least stage of every value; returns the number of stages.
    int32_t as_soon_as_possible() {
        int32_t last = 0;
        std::vector<int64_t> levels(values.size(), 0);
        for (int32_t v = 0; v < size(); ++v) {
            Value& value = values[v];
            if (value.fixed || !value.width) continue;
            value.stage = 0;
            for (const int32_t u : value.operands) value.stage = std::max(value.stage, values[u].stage);
            levels[v] = level(v, levels);
            if (levels[v] > limit) {
                ++value.stage;
                levels[v] = value.delay;
            }
            last = std::max(last, value.stage);
        }
        return last + 1;
    }

    // Move the set of values one stage later that saves most register bits; false if none saves any.
    // From the least stages of all, as many such steps as the best schedule is away end in it (Murota and Shioura, 2014).
    bool ascend(int32_t last_stage) {
        Closure closure = step(last_stage);
        std::vector<int64_t> levels(values.size());
        for (;;) {
            ++rounds;
            closure.solve();
            if (!separate(closure, levels)) break;
        }
        bool moved = false;
        for (int32_t v = 0; v < size(); ++v)
            if (closure.holds(v)) {
                ++values[v].stage;
                moved = true;
            }
        return moved;
    }

private:
    std::vector<std::vector<int32_t>> apart_;  // for v: values whose stage is before that of v, found so far

    int32_t size() const { return static_cast<int32_t>(values.size()); }

    // Delay up to and with a value within its stage.
    int64_t level(int32_t v, const std::vector<int64_t>& levels) const {
        int64_t before = 0;
        for (const int32_t u : values[v].operands)
            if (values[u].stage == values[v].stage) before = std::max(before, levels[u]);
        return before + values[v].delay;
    }

    // The closure problem of one step: a member moves one stage later, with all that would otherwise be too early.
    Closure step(int32_t last_stage) const {
        std::vector<int64_t> weights(values.size(), 0);
        std::vector<std::pair<int32_t, int32_t>> implications;
        for (int32_t v = 0; v < size(); ++v) {
            const Value& value = values[v];
            if (!value.width) continue;
            if (value.fixed || value.stage >= last_stage)
                weights[v] = -Closure::NEVER;
            else if (weights[v] != -Closure::NEVER)
                weights[v] += value.width;
            int32_t end = value.stage;
            int32_t readers = 0, reader = -1;
            for (const int32_t c : value.consumers) {
                if (values[c].stage > end) {
                    end = values[c].stage;
                    readers = 0;
                }
                if (values[c].stage == end) {
                    ++readers;
                    reader = c;
                }
                if (values[c].stage == value.stage) implications.emplace_back(v, c);
            }
            if (value.is_output || !readers) continue;
            if (readers == 1) {  // the value must be kept longer if this one moves
                if (weights[reader] != -Closure::NEVER) weights[reader] -= value.width;
            } else {  // or any of these
                const int32_t keeper = static_cast<int32_t>(weights.size());
                weights.push_back(-value.width);
                for (const int32_t c : value.consumers)
                    if (values[c].stage == end) implications.emplace_back(c, keeper);
            }
        }
        Closure closure(std::move(weights));
        for (const auto& [from, to] : implications) closure.imply(from, to);
        for (int32_t v = 0; v < size(); ++v)
            for (const int32_t u : apart_[v])
                if (values[v].stage == values[u].stage + 1) closure.imply(u, v);
        return closure;
    }

    // Where the step would make paths too long, add the implications that forbid them; false if there are none.
    bool separate(Closure& closure, std::vector<int64_t>& levels) {
        bool found = false;
        for (int32_t v = 0; v < size(); ++v) {
            const Value& value = values[v];
            if (!value.width) continue;
            const int32_t stage = value.stage + closure.holds(v);
            int64_t before = 0;
            for (const int32_t u : value.operands)
                if (values[u].stage + closure.holds(u) == stage) before = std::max(before, levels[u]);
            levels[v] = before + value.delay;
            if (levels[v] > limit) {
                levels[v] = value.delay;  // as if it moved too
                found = true;
                for (const int32_t u : too_far_before(v))
                    if (std::find(apart_[v].begin(), apart_[v].end(), u) == apart_[v].end()) {
                        apart_[v].push_back(u);
                        ++pairs;
                        if (values[u].stage == value.stage - 1) closure.imply(u, v);
                    }
            }
        }
        return found;
    }

    // The nearest values one stage before v from which a path to v, both ends included, takes more than the limit.
    std::vector<int32_t> too_far_before(int32_t v) {
        std::vector<int32_t> found;
        std::priority_queue<int32_t> open;  // the latest value first: all its paths to v are known by then
        distance_.resize(values.size(), -1);
        std::vector<int32_t> seen{v};
        distance_[v] = values[v].delay;
        open.push(v);
        while (!open.empty()) {
            const int32_t x = open.top();
            open.pop();
            if (distance_[x] > limit) {
                found.push_back(x);
                continue;
            }
            for (const int32_t u : values[x].operands) {
                if (values[u].fixed || values[u].stage < values[v].stage - 1) continue;
                if (distance_[u] < 0) {
                    open.push(u);
                    seen.push_back(u);
                }
                distance_[u] = std::max(distance_[u], distance_[x] + values[u].delay);
            }
        }
        for (const int32_t x : seen) distance_[x] = -1;
        return found;
    }

    std::vector<int64_t> distance_;
};

}  // namespace da4ml
