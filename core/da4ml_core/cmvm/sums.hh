// Sums of signed, shifted values that share subexpressions: every change is indexed, priced, and can be undone.
#pragma once
#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "carry.hh"
#include "table.hh"

namespace da4ml {

struct Term {
    int32_t value, shift, sign;
    bool operator<(const Term& o) const { return value != o.value ? value < o.value : shift < o.shift; }
    bool operator==(const Term& o) const { return value == o.value && shift == o.shift && sign == o.sign; }
};
using Sum = std::vector<Term>;

constexpr int ID_BITS = 20;
constexpr int MAX_SHIFT = 60;
constexpr int SHIFT_BIAS = 64;
constexpr double MAX_COEFFICIENT = 1e17;

// ``a ± (b << d)``
struct Pattern {
    int32_t a, b, d, sign;

    static Pattern of(const Term& x, const Term& y) {
        if (y < x) return {y.value, x.value, x.shift - y.shift, x.sign * y.sign};
        return {x.value, y.value, y.shift - x.shift, x.sign * y.sign};
    }
    static Pattern of(uint64_t key) {
        const int32_t mask = (1 << ID_BITS) - 1;
        return {static_cast<int32_t>(key >> (ID_BITS + 8)), static_cast<int32_t>(key >> 8) & mask,
                static_cast<int32_t>(key >> 1 & 127) - SHIFT_BIAS, key & 1 ? -1 : 1};
    }
    uint64_t key() const {  // 48 bits: see `Counts`
        return static_cast<uint64_t>(a) << (ID_BITS + 8) | static_cast<uint64_t>(b) << 8 |
               static_cast<uint64_t>(d + SHIFT_BIAS) << 1 | (sign < 0);
    }
    int up_a() const { return std::max(0, -d); }
    int up_b() const { return std::max(0, d); }
};

// Values 0..inputs-1 are given; the others are sums, of which the first `outputs` must stay.
class Sums {
public:
    Sums(int inputs, int outputs, int radix) : inputs(inputs), outputs(outputs), radix(radix), tree_(radix) {}

    struct Value {
        uint64_t hash = 0;  // linear in the form, so that a sum's is the sum of its terms'
        double lo = 0, hi = 0;
        int32_t exp = 0, level = 0;
        int32_t bits = 0;
        bool alive = false;
        bool dirty = false;  // its level is to be found
        bool spare = false;  // its number is free
    };

    struct Mark {
        size_t log, trail, hot, loose;
        int late;
    };

    const int inputs, outputs, radix;
    std::vector<Value> values;
    std::vector<Sum> sums;
    std::vector<std::vector<int32_t>> users;  // a sum once for each of its terms
    std::vector<int32_t> deadlines;  // of the outputs
    Counts patterns;  // how often each occurs
    std::vector<uint64_t> hot;  // patterns that may be worth a value
    std::vector<int32_t> loose;  // values that may be worth none
    int64_t bits = 0;
    int64_t adders = 0;
    int64_t work = 0;
    int late = 0;
    bool limited = false;  // whether the outputs have deadlines
    bool broken = false;  // a sum lost its last positive term, or a coefficient is too large

    void add_input(int level, int exp, double lo, double hi) {
        const int32_t id = fresh();
        Value& value = values[id];
        value.lo = lo;
        value.hi = hi;
        value.exp = exp;
        value.level = level;
        value.hash = mix(0x9E3779B97F4A7C15ull * (id + 1)) | 1;
        for (int i = 0; i < inputs; ++i) forms_[static_cast<size_t>(id) * inputs + i] = i == id;
        enroll(id);
    }

    bool is_output(int32_t v) const { return v >= inputs && v < inputs + outputs; }
    bool is_inner(int32_t v) const { return v >= inputs + outputs && values[v].alive; }
    const int64_t* form(int32_t v) const { return &forms_[static_cast<size_t>(v) * inputs]; }

    // A value of this form; it has no terms until `set`.
    int32_t create(const int64_t* form) {
        const int32_t id = fresh();
        int64_t* own = &forms_[static_cast<size_t>(id) * inputs];
        Value& value = values[id];
        std::copy(form, form + inputs, own);
        for (int i = 0; i < inputs; ++i) value.hash += values[i].hash * static_cast<uint64_t>(own[i]);
        value.lo = value.hi = 0;
        value.exp = 1 << 20;
        for (int i = 0; i < inputs; ++i) {
            if (own[i] == 0) continue;
            const double c = static_cast<double>(own[i]);
            if (std::abs(c) > MAX_COEFFICIENT) broken = true;
            value.lo += c * (c > 0 ? values[i].lo : values[i].hi);
            value.hi += c * (c > 0 ? values[i].hi : values[i].lo);
            value.exp = std::min(value.exp, values[i].exp + __builtin_ctzll(own[i]));
        }
        work += 8 + inputs / 8;
        log_.push_back({id, {}, false});
        enroll(id);
        return id;
    }

    int32_t create(const Sum& sum) { return create(form_of(sum).data()); }

    const std::vector<int64_t>& form_of(const Sum& sum) {
        form_.assign(inputs, 0);
        for (const Term& term : sum) {
            const int64_t* other = form(term.value);
            const uint64_t factor = static_cast<uint64_t>(static_cast<int64_t>(term.sign)) << term.shift;
            for (int i = 0; i < inputs; ++i) form_[i] += static_cast<int64_t>(other[i] * factor);
        }
        return form_;
    }

    // Whether ``sign * value`` is a sum: equal hashes make it likely, this makes it certain.
    bool equals(int32_t value, int sign, const Sum& sum) {
        const std::vector<int64_t>& other = form_of(sum);
        for (int i = 0; i < inputs; ++i)
            if (form(value)[i] != sign * other[i]) return false;
        return true;
    }

    uint64_t hash_of(const Sum& sum) const {
        uint64_t hash = 0;
        for (const Term& t : sum) hash += term_hash(t);
        return hash;
    }
    uint64_t hash_of(const Pattern& p) const {
        const uint64_t second = values[p.b].hash << p.up_b();
        return (values[p.a].hash << p.up_a()) + (p.sign < 0 ? -second : second);
    }
    uint64_t term_hash(const Term& t) const {
        const uint64_t shifted = values[t.value].hash << t.shift;
        return t.sign < 0 ? -shifted : shifted;
    }

    // A live value that is ± what has this hash, and the sign; -1 if there is none.
    int32_t known(uint64_t hash, int& sign) {
        const int32_t found = numbering_[std::min(hash, -hash)];
        if (found == 0) return -1;
        sign = values[found].hash == hash ? 1 : -1;
        return found;
    }

    void set(int32_t row, Sum sum) {
        normalize(sum);
        for (const Term& t : sum)
            if (t.shift > MAX_SHIFT) broken = true;
        if (broken) return;
        log_.push_back({row, sums[row], values[row].alive});
        replace(row, sum, true);
        bool positive = false;
        for (const Term& t : sums[row]) positive = positive || t.sign > 0;
        if (!positive) broken = true;
    }

    void retire(int32_t row) {
        log_.push_back({row, sums[row], true});
        replace(row, {}, false);
        assess(row, 0, values[row].level);
    }

    // To be taken when all is settled.
    Mark mark() const { return {log_.size(), trail_.size(), hot.size(), loose.size(), late}; }

    void undo(const Mark& mark) {
        undoing_ = true;
        while (log_.size() > mark.log) {
            Change change = std::move(log_.back());
            log_.pop_back();
            const bool created = !change.alive && change.sum.empty();
            replace(change.row, change.sum, change.alive);
            if (created) release(change.row);
        }
        undoing_ = false;
        for (const int32_t row : dirty_) values[row].dirty = false;
        dirty_.clear();
        for (; trail_.size() > mark.trail; trail_.pop_back()) {
            const Price& before = trail_.back();
            bits += before.bits - values[before.row].bits;
            values[before.row].bits = before.bits;
            values[before.row].level = before.level;
        }
        late = mark.late;
        broken = false;
        hot.resize(mark.hot);
        loose.resize(mark.loose);
    }

    // Forget how to undo; appends what changed.
    void commit(std::vector<int32_t>& changed) {
        for (const Change& change : log_) {
            changed.push_back(change.row);
            if (!values[change.row].alive && !values[change.row].spare) release(change.row);
        }
        log_.clear();
        trail_.clear();
    }

    // Bring all levels and prices up to date, first come, first served, which no shape of the graph makes slow.
    void settle() {
        for (size_t at = 0; at < dirty_.size(); ++at) {
            const int32_t row = dirty_[at];
            values[row].dirty = false;
            if (!values[row].alive || sums[row].empty()) continue;
            levels_.clear();
            for (const Term& t : sums[row]) levels_.push_back(values[t.value].level);
            const int level = ready_level(levels_, radix);
            const int32_t deadline = is_output(row) ? deadlines[row - inputs] : level;
            work += sums[row].size();
            const int before = values[row].level;
            assess(row, price(sums[row], limited, deadline), level);
            if (level == before) continue;
            if (is_output(row)) late += (level > deadline) - (before > deadline);
            for (const int32_t user : users[row]) touch(user);
        }
        dirty_.clear();
    }

    // Whether a value is made from a sum (or is that sum).
    bool depends(int32_t value, int32_t row) {
        if (value == row) return true;
        if (value < inputs || values[value].level < values[row].level) return false;
        ++stamp_;
        seen_.resize(values.size(), 0);
        stack_.assign(1, value);
        while (!stack_.empty()) {
            const int32_t v = stack_.back();
            stack_.pop_back();
            for (const Term& t : sums[v]) {
                if (t.value == row) return true;
                if (seen_[t.value] == stamp_ || values[t.value].level < values[row].level) continue;
                seen_[t.value] = stamp_;
                stack_.push_back(t.value);
                ++work;
            }
        }
        return false;
    }

    // The bits of a sum, which with a limit must be ready by a level.
    int price(const Sum& sum, bool limited = false, int deadline = 0) {
        for (const Term& t : sum) {
            const Value& value = values[t.value];
            const double scale = power_of_two(t.shift);
            Part part{value.lo * scale, value.hi * scale, value.exp + t.shift, 0, t.sign < 0, value.level};
            part.top = top_of(part.lo, part.hi, part.low);
            if (part.negated) part = {-part.hi, -part.lo, part.low, part.top, true, part.level};
            tree_.parts.push_back(part);
        }
        work += 2 * sum.size();
        return tree_.bits(limited, deadline);
    }

private:
    struct Change {
        int32_t row;
        Sum sum;
        bool alive;
    };

    struct Price {  // of a sum before it changed, and its level
        int32_t row, bits, level;
    };

    int32_t fresh() {
        if (freed_.empty()) {
            values.emplace_back();
            sums.emplace_back();
            users.emplace_back();
            forms_.resize(forms_.size() + inputs);
            values.back().alive = true;
            return static_cast<int32_t>(values.size()) - 1;
        }
        const int32_t id = freed_.back();
        freed_.pop_back();
        values[id] = Value();
        values[id].alive = true;
        return id;
    }

    void release(int32_t v) {
        values[v].spare = true;
        freed_.push_back(v);
    }

    void enroll(int32_t v) {
        numbering_.insert(std::min(values[v].hash, -values[v].hash), v);
    }

    void strike(int32_t v) { numbering_.erase(std::min(values[v].hash, -values[v].hash), v); }

    // Terms of one value and shift carry or cancel.
    static void normalize(Sum& sum) {
        while (true) {
            std::sort(sum.begin(), sum.end());
            bool clash = false;
            size_t kept = 0;
            for (size_t i = 0; i < sum.size(); ++i) {
                if (i + 1 < sum.size() && sum[i].value == sum[i + 1].value && sum[i].shift == sum[i + 1].shift) {
                    if (sum[i].sign == sum[i + 1].sign) {
                        sum[kept++] = {sum[i].value, sum[i].shift + 1, sum[i].sign};
                        clash = true;
                    }
                    ++i;
                } else {
                    sum[kept++] = sum[i];
                }
            }
            sum.resize(kept);
            if (!clash) return;
        }
    }

    void replace(int32_t row, const Sum& sum, bool alive) {
        gone_.clear();
        come_.clear();
        kept_.clear();
        Sum& old = sums[row];
        size_t i = 0, j = 0;
        while (i < old.size() || j < sum.size()) {
            if (i < old.size() && j < sum.size() && old[i] == sum[j]) {
                kept_.push_back(old[i++]);
                ++j;
            } else if (j == sum.size() || (i < old.size() && !(sum[j] < old[i]))) {
                gone_.push_back(old[i++]);
            } else {
                come_.push_back(sum[j++]);
            }
        }
        keys_.clear();
        pair_up(gone_);
        for (const uint64_t key : keys_) patterns.decrement(key);
        for (const Term& t : gone_) {
            std::vector<int32_t>& list = users[t.value];
            *std::find(list.begin(), list.end(), row) = list.back();
            list.pop_back();
            if (list.size() < 2) loose.push_back(t.value);
        }
        keys_.clear();
        pair_up(come_);
        for (const uint64_t key : keys_) count(key, row);
        for (const Term& t : come_) users[t.value].push_back(row);
        work += 2 + (gone_.size() + come_.size()) * (gone_.size() + come_.size() + 2 * kept_.size()) / 2;
        if (values[row].alive != alive) {
            values[row].alive = alive;
            if (alive) {
                enroll(row);
            } else {
                strike(row);
            }
        }
        adders -= adders_of(old.size());
        old = sum;
        adders += adders_of(old.size());
        if (old.size() < 2 || users[row].size() < 2) loose.push_back(row);
        touch(row);
    }

    void assess(int32_t row, int32_t own, int32_t level) {
        Value& value = values[row];
        if (own == value.bits && level == value.level) return;
        trail_.push_back({row, value.bits, value.level});
        bits += own - value.bits;
        value.bits = own;
        value.level = level;
    }

    void touch(int32_t row) {
        if (values[row].dirty || undoing_) return;
        values[row].dirty = true;
        dirty_.push_back(row);
    }

    int64_t adders_of(size_t terms) const { return terms < 2 ? 0 : terms - 1; }

    // The patterns of these terms with one another and with the terms that are kept.
    void pair_up(const Sum& terms) {
        for (size_t x = 0; x < terms.size(); ++x) {
            for (size_t y = 0; y < x; ++y) keys_.push_back(Pattern::of(terms[x], terms[y]).key());
            for (const Term& t : kept_) keys_.push_back(Pattern::of(terms[x], t).key());
        }
        for (const uint64_t key : keys_) patterns.prefetch(key);
    }

    void count(uint64_t key, int32_t row) {
        const int32_t times = patterns.increment(key);
        if (times == Counts::MOST) broken = true;
        if (undoing_) return;
        if (times > 1) {
            hot.push_back(key);
            return;
        }
        int sign;
        const int32_t other = known(hash_of(Pattern::of(key)), sign);
        if (other >= 0 && other != row) hot.push_back(key);
    }

    std::vector<int64_t> forms_, form_;
    Numbering numbering_;  // values by the hash of their form, up to sign
    std::vector<Change> log_;
    std::vector<Price> trail_;
    std::vector<int32_t> freed_, dirty_, levels_, stack_, seen_;
    TreePrice tree_;
    std::vector<uint64_t> keys_;
    Sum gone_, come_, kept_;
    int32_t stamp_ = 0;
    bool undoing_ = false;
};

}  // namespace da4ml
