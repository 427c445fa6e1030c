// Simulated annealing on a graph of shared sums: take values apart, write terms otherwise, extract patterns anew.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "sums.hh"

namespace da4ml {

constexpr int32_t SAMPLE = 150;  // values that a resubstitution tries

class LocalSearch {
public:
    struct Settings {
        double adder_weight = 0;  // bits that an adder counts beside those of its carry chain
        double hot = 4, cold = 1;  // temperatures, in bits
        double noise = 0.3;  // of the scores of patterns
    };

    Sums state;
    Settings settings;
    std::vector<Sum> best;  // by value; empty if there is none
    double best_cost = 0;
    int64_t steps = 0, accepted = 0;

    LocalSearch(int inputs, int outputs, int radix, uint64_t seed)
        : state(inputs, outputs, radix), random_(mix(seed + 1)) {}

    double cost() const { return static_cast<double>(state.bits) + settings.adder_weight * state.adders; }

    // Once all values have their terms.
    void begin() {
        state.settle();
        tidy();
        state.settle();
        state.hot.clear();
        state.commit(changed_);
        state.work = 0;
        keep();
    }

    // Search until so much work is done of `total`, over which the temperature falls.
    void advance(int64_t until, int64_t total) {
        while (state.work < until) {
            const double done = static_cast<double>(state.work) / total;
            step(settings.hot * std::pow(settings.cold / settings.hot, done));
        }
    }

private:
    // What it would be to put a value for a pattern into sums.
    struct Plan {
        Sum pattern;
        int32_t value;
        int sign, matches, saved;
        bool made;
        std::vector<std::pair<int32_t, Sum>> changes;
    };

    uint64_t random_;
    std::vector<int32_t> rows_;
    std::vector<int32_t> changed_;  // since the best graph
    std::vector<int32_t> above_;
    std::vector<char> is_above_;
    Sum sum_, chosen_, thirds_, triple_;
    Plan plan_, other_;
    std::vector<char> used_;

    uint64_t next() { return mix(random_ += 0x9E3779B97F4A7C15ull); }
    int below(size_t n) { return static_cast<int>((next() >> 32) * n >> 32); }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

    void step(double temperature) {
        const double before = cost();
        state.hot.clear();
        state.loose.clear();
        const Sums::Mark mark = state.mark();
        ++steps;
        state.work += 20;
        const double kind = uniform();
        if (kind < 0.75) {
            take_apart();
        } else if (kind < 0.87) {
            rewrite_digits();
        } else {
            resubstitute();
        }
        bool good = !state.broken;
        for (int round = 0; good && round < 4; ++round) {
            tidy();
            state.settle();
            if (state.broken || state.hot.empty()) break;
            extract();
        }
        good = good && !state.broken && state.late == 0;
        const double change = cost() - before;
        if (!good || (change > 0 && uniform() >= std::exp(-change / temperature))) {
            state.undo(mark);
            return;
        }
        ++accepted;
        state.commit(changed_);
        if (cost() < best_cost) keep();
    }

    // Remember the present graph as the best.
    void keep() {
        best_cost = cost();
        best.resize(state.values.size());
        for (const int32_t v : changed_) best[v] = state.values[v].alive ? state.sums[v] : Sum();
        changed_.clear();
    }

    // Values that one sum uses, or none, or that are other values, go.
    void tidy() {
        while (!state.loose.empty()) {
            const int32_t v = state.loose.back();
            state.loose.pop_back();
            if (v < state.inputs || !state.values[v].alive) continue;
            const bool output = state.is_output(v);
            if (state.users[v].empty()) {
                if (!output) state.retire(v);
            } else if (state.sums[v].size() < 2 || (!output && state.users[v].size() == 1)) {
                expand(v);
            }
        }
    }

    // Put the terms of a value in its place in all sums.
    void expand(int32_t v) {
        std::vector<int32_t> rows = state.users[v];
        std::sort(rows.begin(), rows.end());
        rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
        for (const int32_t row : rows) {
            Sum sum;
            for (const Term& t : state.sums[row]) {
                if (t.value != v) {
                    sum.push_back(t);
                    continue;
                }
                for (const Term& part : state.sums[v])
                    sum.push_back({part.value, part.shift + t.shift, part.sign * t.sign});
            }
            state.set(row, std::move(sum));
        }
        state.settle();
    }

    int32_t any_value() {
        for (int tries = 0; tries < 64; ++tries) {
            const int32_t v = state.inputs + below(state.values.size() - state.inputs);
            if (state.values[v].alive && !state.users[v].empty()) return v;
        }
        return -1;
    }

    int32_t any_sum() {
        for (int tries = 0; tries < 64; ++tries) {
            const int32_t v = state.inputs + below(state.values.size() - state.inputs);
            if (state.values[v].alive && state.sums[v].size() >= 2) return v;
        }
        return -1;
    }

    // Expand a few values that are near one another.
    void take_apart() {
        int32_t v = any_value();
        for (int count = 1 + below(4); count > 0 && v >= 0 && !state.broken; --count) {
            const Sum parts = state.sums[v];
            expand(v);
            v = -1;
            if (below(3)) {
                int seen = 0;
                for (const Term& t : parts)
                    if (t.value >= state.inputs && !state.users[t.value].empty() && below(++seen) == 0) v = t.value;
            }
            if (v < 0) v = any_value();
        }
    }

    // Write the coefficient of one value in one sum with other signed digits.
    void rewrite_digits() {
        const int32_t row = any_sum();
        if (row < 0) return;
        const Sum& sum = state.sums[row];
        const Term pick = sum[below(sum.size())];
        int low = pick.shift, high = pick.shift;
        for (const Term& t : sum)
            if (t.value == pick.value) {
                low = std::min(low, t.shift);
                high = std::max(high, t.shift);
            }
        if (high - low > 40) return;
        int64_t coefficient = 0;
        Sum written;
        for (const Term& t : sum) {
            if (t.value == pick.value) {
                coefficient += static_cast<int64_t>(t.sign) << (t.shift - low);
            } else {
                written.push_back(t);
            }
        }
        for (int shift = low; coefficient != 0; ++shift, coefficient >>= 1) {
            if ((coefficient & 1) == 0) continue;
            const int canonical = (coefficient & 3) == 3 ? -1 : 1;
            const int digit = shift < high + 1 && below(2) ? -canonical : canonical;
            written.push_back({pick.value, shift, digit});
            coefficient -= digit;
        }
        state.set(row, std::move(written));
    }

    // Replace a few terms of a sum by one or two values that exist.
    void resubstitute() {
        const int32_t row = any_sum();
        if (row < 0) return;
        Sum terms = state.sums[row];
        const size_t size = terms.size() <= 3 && below(2) ? terms.size() : 2 + below(std::min<size_t>(3, terms.size() - 1));
        for (size_t i = 0; i < size && i < terms.size(); ++i) std::swap(terms[i], terms[i + below(terms.size() - i)]);
        Sum subset(terms.begin(), terms.begin() + std::min(size, terms.size()));
        int low = MAX_SHIFT;
        for (const Term& t : subset) low = std::min(low, t.shift);
        for (Term& t : subset) t.shift -= low;
        mark_above(row);
        const uint64_t wanted = state.hash_of(subset);
        int found = 0, sign;
        const int32_t same = state.known(wanted, sign);
        if (same >= 0 && !is_above_[same]) {
            found = 1;
            chosen_.assign(1, {same, 0, sign});
        } else {
            const int32_t all = static_cast<int32_t>(state.values.size());
            int32_t v = below(all);
            for (int32_t tried = 0; tried < std::min(all, SAMPLE); ++tried, v = v + 1 < all ? v + 1 : 0) {
                if (!state.values[v].alive || is_above_[v]) continue;
                state.work += 8;
                for (int shift = 0; shift < 9; ++shift)
                    for (int own = -1; own <= 1; own += 2) {
                        const Term term{v, shift, own};
                        const int32_t other = state.known(wanted - state.term_hash(term), sign);
                        if (other < 0 || is_above_[other]) continue;
                        if (std::find(subset.begin(), subset.end(), term) != subset.end()) continue;
                        if (below(++found) == 0) chosen_.assign({term, {other, 0, sign}});
                    }
            }
        }
        if (found == 0) return;
        Sum other = chosen_;
        for (const Term& t : subset) other.push_back({t.value, t.shift, -t.sign});
        for (const int64_t c : state.form_of(other))
            if (c != 0) return;
        terms.erase(terms.begin(), terms.begin() + subset.size());
        for (const Term& t : chosen_) terms.push_back({t.value, t.shift + low, t.sign});
        state.set(row, std::move(terms));
        state.settle();
    }

    // Mark a sum and all that is made from it.
    void mark_above(int32_t row) {
        is_above_.assign(state.values.size(), 0);
        above_.assign(1, row);
        is_above_[row] = 1;
        while (!above_.empty()) {
            const int32_t v = above_.back();
            above_.pop_back();
            for (const int32_t user : state.users[v])
                if (!is_above_[user]) {
                    is_above_[user] = 1;
                    above_.push_back(user);
                }
        }
    }

    // Greedily make values of the patterns that became worth it.
    void extract() {
        const double noise = below(2) ? settings.noise : 0.0;
        while (!state.hot.empty() && !state.broken) {
            std::sort(state.hot.begin(), state.hot.end());
            state.hot.erase(std::unique(state.hot.begin(), state.hot.end()), state.hot.end());
            double best_score = 0;
            size_t best_at = 0, kept = 0;
            for (const uint64_t key : state.hot) {
                const int32_t times = state.patterns[key];
                if (times == 0) continue;
                int sign;
                const Pattern p = Pattern::of(key);
                const bool exists = state.known(state.hash_of(p), sign) >= 0;
                const double gain = times / static_cast<double>(state.radix - 1) - (exists ? 0.0 : 0.9);
                if (gain <= 0) continue;
                sum_.assign({{p.a, p.up_a(), 1}, {p.b, p.up_b(), p.sign}});
                const double worth = state.price(sum_) + settings.adder_weight + 0.5;
                const double score = gain * worth * (1 + noise * uniform());
                if (score > best_score) {
                    best_score = score;
                    best_at = kept;
                }
                state.hot[kept++] = key;
            }
            state.hot.resize(kept);
            if (kept == 0) return;
            const uint64_t key = state.hot[best_at];
            state.hot.erase(state.hot.begin() + best_at);
            substitute(key);
        }
    }

    // Put a value for a pattern, or with ternary adders for one of three terms around it, into all sums that have it,
    // unless that is late or dearer.
    void substitute(uint64_t key) {
        const Pattern p = Pattern::of(key);
        const Sum pair{{p.a, p.up_a(), 1}, {p.b, p.up_b(), p.sign}};
        rows_ = state.users[p.a].size() < state.users[p.b].size() ? state.users[p.a] : state.users[p.b];
        std::sort(rows_.begin(), rows_.end());
        rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
        plan(pair, plan_);
        if (state.radix == 3 && plan_.matches >= 2 && plan_.made) {
            if (const Sum* triple = with_third(pair)) {
                plan(*triple, other_);
                if (other_.saved > plan_.saved || (other_.saved == plan_.saved && below(2))) std::swap(plan_, other_);
            }
        }
        if (plan_.matches == 0 || plan_.saved < 0) return;
        const Sums::Mark mark = state.mark();
        const double before = cost();
        const int late = state.late;
        if (plan_.made) {
            Sum own = plan_.pattern;
            for (Term& t : own) t.sign *= plan_.sign;
            plan_.value = state.create(own);
            state.set(plan_.value, std::move(own));
        }
        for (auto& [row, changed] : plan_.changes) {
            for (Term& t : changed)
                if (t.value < 0) t.value = plan_.value;
            state.set(row, std::move(changed));
        }
        state.settle();
        if (state.broken || state.late > late || cost() > before) state.undo(mark);
    }

    void plan(const Sum& pattern, Plan& plan) {
        plan.matches = 0;
        plan.pattern = pattern;
        plan.changes.clear();
        plan.value = state.known(state.hash_of(pattern), plan.sign);
        plan.made = plan.value < 0;
        if (!plan.made && !state.equals(plan.value, plan.sign, pattern)) return;
        if (plan.made) {
            const bool mixed = std::any_of(pattern.begin(), pattern.end(), [](const Term& t) { return t.sign < 0; });
            plan.sign = mixed && below(2) ? -1 : 1;
        }
        plan.saved = plan.made ? -adders_for(pattern.size()) : 0;
        int matches = 0;
        for (const int32_t row : rows_) {
            if (!plan.made && state.depends(plan.value, row)) continue;
            const int count = match(row, pattern, plan.made ? -1 : plan.value, plan.sign);
            if (count == 0) continue;
            matches += count;
            plan.saved += adders_for(state.sums[row].size()) - adders_for(sum_.size());
            plan.changes.emplace_back(row, sum_);
        }
        if (matches >= (plan.made ? 2 : 1)) plan.matches = matches;
    }

    int adders_for(size_t terms) const { return static_cast<int>(state.radix == 2 ? terms - 1 : terms / 2); }

    // The pattern and the term that most often comes with it; null if none does so twice.
    const Sum* with_third(const Sum& pair) {
        thirds_.clear();
        for (const int32_t row : rows_) {
            const Sum& sum = state.sums[row];
            match(row, pair, -1, 1);
            for (const Term& at : sum_)
                if (at.value < 0)
                    for (size_t x = 0; x < sum.size(); ++x)
                        if (!used_[x]) thirds_.push_back({sum[x].value, sum[x].shift - at.shift, sum[x].sign * at.sign});
        }
        std::sort(thirds_.begin(), thirds_.end(), [](const Term& x, const Term& y) {
            return x.value != y.value ? x.value < y.value : x.shift != y.shift ? x.shift < y.shift : x.sign < y.sign;
        });
        size_t best = 1, run = 1;
        Term third{};
        for (size_t x = 1; x < thirds_.size(); ++x) {
            run = thirds_[x] == thirds_[x - 1] ? run + 1 : 1;
            if (run > best) {
                best = run;
                third = thirds_[x];
            }
        }
        state.work += 2 * thirds_.size();
        if (best < 2) return nullptr;
        triple_ = pair;
        triple_.push_back(third);
        if (third.shift < 0)
            for (Term& t : triple_) t.shift -= third.shift;
        return &triple_;
    }

    // Fill `sum_` with a sum in which the value replaces the pattern; how often, 0 if no positive term would be left.
    int match(int32_t row, const Sum& pattern, int32_t value, int sign) {
        const Sum& sum = state.sums[row];
        used_.assign(sum.size(), 0);
        sum_.clear();
        int count = 0;
        for (size_t x = 0; x < sum.size(); ++x) {
            if (sum[x].value != pattern[0].value || used_[x]) continue;
            const int base = sum[x].shift - pattern[0].shift, own = sum[x].sign * pattern[0].sign;
            size_t found[3] = {x, 0, 0};
            size_t k = 1;
            for (; k < pattern.size(); ++k) {
                const Term wanted{pattern[k].value, base + pattern[k].shift, own * pattern[k].sign};
                size_t y = 0;
                while (y < sum.size() && (used_[y] || !(sum[y] == wanted) || y == x)) ++y;
                if (y == sum.size()) break;
                found[k] = y;
            }
            if (k < pattern.size() || (k == 3 && found[1] == found[2])) continue;
            for (size_t i = 0; i < k; ++i) used_[found[i]] = 1;
            sum_.push_back({value, base, own * sign});
            ++count;
        }
        state.work += sum.size();
        bool positive = false;
        for (size_t x = 0; x < sum.size(); ++x)
            if (!used_[x]) sum_.push_back(sum[x]);
        for (const Term& t : sum_) positive = positive || t.sign > 0;
        return positive ? count : 0;
    }

};

}  // namespace da4ml
