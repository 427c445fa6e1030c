// Maximum-weight closure: the best set of nodes that holds the successors of all its members; by maximum flow (Dinic).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace da4ml {

// A node with a weight w > 0 is fed w by the source, one with w < 0 drains -w to the sink, and `i implies j` is an arc
// without limit. What the source still reaches after a maximum flow is the smallest closure of greatest weight
// (Picard, 1976). Implications may be added after a flow: it stays valid, and `solve` goes on from it.
class Closure {
public:
    static constexpr int64_t NEVER = std::numeric_limits<int64_t>::max() / 4;  // drain of a node that must stay out

    explicit Closure(std::vector<int64_t> weights) : first_(weights.size(), -1), feed_(weights.size()) {
        drain_.resize(weights.size());
        for (size_t node = 0; node < weights.size(); ++node)
            (weights[node] > 0 ? feed_[node] : drain_[node]) = weights[node] > 0 ? weights[node] : -weights[node];
    }

    void imply(int32_t from, int32_t to) {
        arcs_.push_back({to, first_[from], NEVER});
        first_[from] = static_cast<int32_t>(arcs_.size()) - 1;
        arcs_.push_back({from, first_[to], 0});
        first_[to] = static_cast<int32_t>(arcs_.size()) - 1;
    }

    // Afterwards `holds` tells the smallest best closure.
    void solve() {
        while (layer()) {
            next_ = first_;
            for (size_t node = 0; node < feed_.size(); ++node)
                while (feed_[node] > 0 && augment(static_cast<int32_t>(node))) {}
        }
    }

    bool holds(int32_t node) const { return depth_[node] >= 0; }

private:
    struct Arc {
        int32_t to, next;
        int64_t room;
    };

    std::vector<int32_t> first_, next_, depth_, queue_, path_;
    std::vector<int64_t> feed_, drain_;
    std::vector<Arc> arcs_;

    // Distances from nodes that are still fed; whether a drain with room is among the nodes reached.
    bool layer() {
        depth_.assign(feed_.size(), -1);
        queue_.clear();
        for (size_t node = 0; node < feed_.size(); ++node)
            if (feed_[node] > 0) {
                depth_[node] = 0;
                queue_.push_back(static_cast<int32_t>(node));
            }
        bool open = false;
        for (size_t head = 0; head < queue_.size(); ++head) {
            const int32_t node = queue_[head];
            open |= drain_[node] > 0;
            for (int32_t arc = first_[node]; arc >= 0; arc = arcs_[arc].next)
                if (arcs_[arc].room > 0 && depth_[arcs_[arc].to] < 0) {
                    depth_[arcs_[arc].to] = depth_[node] + 1;
                    queue_.push_back(arcs_[arc].to);
                }
        }
        return open;
    }

    // Push along one path from a fed node to a drain, layer by layer; false if there is none left.
    bool augment(int32_t origin) {
        path_.clear();
        int32_t node = origin;
        while (drain_[node] <= 0) {
            int32_t& arc = next_[node];
            while (arc >= 0 && !(arcs_[arc].room > 0 && depth_[arcs_[arc].to] == depth_[node] + 1)) arc = arcs_[arc].next;
            if (arc >= 0) {
                path_.push_back(arc);
                node = arcs_[arc].to;
            } else {
                if (path_.empty()) return false;
                node = arcs_[path_.back() ^ 1].to;  // a dead end: its last arc is passed over from now on
                path_.pop_back();
                next_[node] = arcs_[next_[node]].next;
            }
        }
        int64_t amount = std::min(feed_[origin], drain_[node]);
        for (const int32_t arc : path_) amount = std::min(amount, arcs_[arc].room);
        for (const int32_t arc : path_) {
            arcs_[arc].room -= amount;
            arcs_[arc ^ 1].room += amount;
        }
        feed_[origin] -= amount;
        drain_[node] -= amount;
        return true;
    }
};

}  // namespace da4ml
