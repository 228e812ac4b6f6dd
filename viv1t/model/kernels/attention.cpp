// Softmax attention and its gradient, one (sequence, head) at a time, in float32.
//
// A tile of queries meets all keys at once: logits stay in the first-level cache, and causal
// sequences compute only what they see. Plain C interface, no PyTorch; vectors by the compiler's
// extensions (GCC or Clang), so that AVX-512 gives 16 numbers an instruction and others work too.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace {

constexpr int kLanes = 16;
constexpr int kRows = 12;            // queries whose logits are computed together
constexpr int kKeys = 2 * kLanes;    // keys that they meet at a time
constexpr int kTile = 24;            // queries of a tile
constexpr int kNear = 96;            // rows of 32 numbers that stay in the first-level cache
constexpr int kMaxVectors = 8;       // head_dim up to 128

typedef float Vector __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t Integers __attribute__((vector_size(64), aligned(4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector values) { *reinterpret_cast<Vector*>(to) = values; }
inline Vector all(float value) { return value - Vector{}; }

// e^x to about one unit in the last place; what is below e^-87 becomes e^-87.
inline Vector exponential(Vector x) {
  const Vector low = all(-87.0f), shift = all(12582912.0f);
  x = x < low ? low : x;
  const Vector n = (x * 1.44269504f + shift) - shift;
  const Vector r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Vector y = r * (1.0f / 720) + 1.0f / 120;
  y = y * r + 1.0f / 24;
  y = y * r + 1.0f / 6;
  y = y * r + 0.5f;
  y = y * r + 1.0f;
  y = y * r + 1.0f;
  const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  return y * reinterpret_cast<const Vector&>(power);
}

inline float sum(Vector values) {
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) values[i] += values[i + half];
  return values[0];
}

inline float largest(Vector values) {
  float found = values[0];
  for (int i = 1; i < kLanes; ++i) found = std::max(found, values[i]);
  return found;
}

// A matrix: strides between rows and between columns, in numbers.
struct Matrix {
  const float* data;
  int64_t row, column;

  Matrix from(int r, int c) const { return {data + r * row + c * column, row, column}; }
};

// out (R, 16 C) = or += left (R, n) times right (n, 16 C), whose columns are dense.
template <int R, int C, bool kAdds>
void multiply(Matrix left, int n, const float* right, int64_t step, float* out, int64_t to) {
  Vector total[R][C] = {};
  if constexpr (kAdds) {
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) total[r][c] = load(out + r * to + c * kLanes);
  }
  for (int k = 0; k < n; ++k) {
    Vector value[C];
    for (int c = 0; c < C; ++c) value[c] = load(right + k * step + c * kLanes);
    for (int r = 0; r < R; ++r) {
      const float x = left.data[r * left.row + k * left.column];
      for (int c = 0; c < C; ++c) total[r][c] += x * value[c];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) store(out + r * to + c * kLanes, total[r][c]);
}

template <int R, int C, bool kAdds>
void multiply_some(int count, Matrix left, int n, const float* right, int64_t step, float* out,
                   int64_t to) {
  if constexpr (R > 1) {
    if (count < R)
      return multiply_some<R - 1, C, kAdds>(count, left, n, right, step, out, to);
  }
  multiply<R, C, kAdds>(left, n, right, step, out, to);
}

// out (count, 16 V) += left (count, n) times right (n, 16 V).
template <int V>
void gather(int count, Matrix left, int n, const float* right, float* out) {
  constexpr int width = V * kLanes;
  for (int k = 0; k < n; k += kNear)
    for (int c = 0; c < V; c += 2)
      for (int r = 0; r < count; r += kRows) {
        const Matrix part = left.from(r, k);
        const float* values = right + int64_t{k} * width + c * kLanes;
        float* to = out + int64_t{r} * width + c * kLanes;
        const int rows = std::min(kRows, count - r), near = std::min(kNear, n - k);
        if (c + 1 < V)
          multiply_some<kRows, 2, true>(rows, part, near, values, width, to, width);
        else
          multiply_some<kRows, 1, true>(rows, part, near, values, width, to, width);
      }
}

}  // namespace

extern "C" {

// A tensor (batch, heads, rows, d) whose last axis is dense; strides in numbers.
struct Stack {
  float* data;
  int64_t batch, head, row;
};

// What is asked. `seen` keys and values come before the `length` own ones; queries are scaled.
struct Question {
  Stack query, key, value, seen_key, seen_value, out;
  float* logsumexp;  // (batch, heads, length)
  int64_t heads, length, seen, head_dim, is_causal;
  Stack gradient, of_query, of_key, of_value;
};
}

namespace {

inline float* at(const Stack& stack, int64_t b, int64_t h, int64_t i) {
  return stack.data + b * stack.batch + h * stack.head + i * stack.row;
}

// One sequence and head, put in order: rows padded to full vectors with zeros.
template <int V>
struct Part {
  static constexpr int width = V * kLanes;
  const Question& ask;
  int64_t b, h;
  int total, padded;

  Part(const Question& question, int64_t index)
      : ask(question), b(index / question.heads), h(index % question.heads),
        total(static_cast<int>(question.seen + question.length)),
        padded((total + kKeys - 1) / kKeys * kKeys) {}

  int first_unseen(int64_t query) const {
    return ask.is_causal ? static_cast<int>(ask.seen + query + 1) : total;
  }

  const float* row(const Stack& seen, const Stack& own, int j) const {
    return j < ask.seen ? at(seen, b, h, j) : at(own, b, h, j - ask.seen);
  }

  // (keys / 32, d, 32)
  void turn(const Stack& seen, const Stack& own, float* to) const {
    const int d = static_cast<int>(ask.head_dim);
    for (int j = 0; j < padded; ++j) {
      float* out = to + (j / kKeys) * int64_t{kKeys} * d + j % kKeys;
      if (j < total) {
        const float* from = row(seen, own, j);
        for (int k = 0; k < d; ++k) out[k * kKeys] = from[k];
      } else {
        for (int k = 0; k < d; ++k) out[k * kKeys] = 0;
      }
    }
  }

  // (keys, 16 V)
  void copy(const Stack& seen, const Stack& own, float* to) const {
    for (int j = 0; j < total; ++j) pad(row(seen, own, j), to + int64_t{j} * width);
  }

  void pad(const float* from, float* to) const {
    std::memcpy(to, from, ask.head_dim * sizeof(float));
    std::fill(to + ask.head_dim, to + width, 0.0f);
  }

  // rows (count, d) against the first `limit` of `columns`, as `turn` puts them.
  void products(const float* rows, int64_t row, int count, const float* columns, int limit,
                float* out) const {
    const int d = static_cast<int>(ask.head_dim);
    for (int r = 0; r < count; r += kRows)
      for (int j = 0; j < limit; j += kKeys)
        multiply_some<kRows, 2, false>(std::min(kRows, count - r), {rows + r * row, row, 1}, d,
                                       columns + int64_t{j} * d, kKeys,
                                       out + int64_t{r} * padded + j, padded);
  }

  void forward(std::vector<float>& room) const {
    const int d = static_cast<int>(ask.head_dim);
    room.resize(int64_t{padded} * (d + width + kTile) + kTile * width);
    float* keys = room.data();
    float* values = keys + int64_t{padded} * d;
    float* logits = values + int64_t{padded} * width;
    float* found = logits + int64_t{padded} * kTile;
    turn(ask.seen_key, ask.key, keys);
    copy(ask.seen_value, ask.value, values);
    for (int64_t i = 0; i < ask.length; i += kTile) {
      const int count = static_cast<int>(std::min<int64_t>(kTile, ask.length - i));
      const int limit = first_unseen(i + count - 1);
      products(at(ask.query, b, h, i), ask.query.row, count, keys, limit, logits);
      float scale[kTile];
      for (int r = 0; r < count; ++r)
        scale[r] = weigh(logits + int64_t{r} * padded, first_unseen(i + r), limit, i + r);
      std::fill(found, found + count * width, 0.0f);
      gather<V>(count, {logits, padded, 1}, limit, values, found);
      for (int r = 0; r < count; ++r) {
        float* out = at(ask.out, b, h, i + r);
        for (int k = 0; k < d; ++k) out[k] = found[r * width + k] * scale[r];
      }
    }
  }

  // One query: keys and values are read once, where they lie.
  void single(std::vector<float>& room) const {
    const int d = static_cast<int>(ask.head_dim), whole = d / kLanes * kLanes;
    room.resize(padded + width);
    float* logits = room.data();
    const float* query = at(ask.query, b, h, 0);
    for (int j = 0; j < total; ++j) {
      const float* key = row(ask.seen_key, ask.key, j);
      Vector products = {};
      for (int k = 0; k < whole; k += kLanes) products += load(query + k) * load(key + k);
      float logit = sum(products);
      for (int k = whole; k < d; ++k) logit += query[k] * key[k];
      logits[j] = logit;
    }
    const float scale = weigh(logits, total, total, 0);
    Vector found[V] = {};
    float* rest = logits + padded;
    std::fill(rest, rest + kLanes, 0.0f);
    for (int j = 0; j < total; ++j) {
      const float* value = row(ask.seen_value, ask.value, j);
      for (int c = 0; c < whole / kLanes; ++c) found[c] += logits[j] * load(value + c * kLanes);
      for (int k = whole; k < d; ++k) rest[k - whole] += logits[j] * value[k];
    }
    float* out = at(ask.out, b, h, 0);
    for (int c = 0; c < whole / kLanes; ++c) store(out + c * kLanes, found[c] * scale);
    for (int k = whole; k < d; ++k) out[k] = rest[k - whole] * scale;
  }

  // e^(logit - largest) in place, zero from `stop`; one over their sum.
  float weigh(float* logits, int stop, int limit, int64_t query) const {
    const int end = (limit + kLanes - 1) / kLanes * kLanes;
    std::fill(logits + stop, logits + end, -std::numeric_limits<float>::infinity());
    Vector most = load(logits);
    for (int j = kLanes; j < end; j += kLanes) {
      const Vector x = load(logits + j);
      most = x > most ? x : most;
    }
    const float top = largest(most);
    Vector total = {};
    for (int j = 0; j < end; j += kLanes) {
      const Vector weight = exponential(load(logits + j) - top);
      store(logits + j, weight);
      total += weight;
    }
    std::fill(logits + stop, logits + end, 0.0f);
    const float whole = sum(total);
    if (ask.logsumexp != nullptr)
      ask.logsumexp[(b * ask.heads + h) * ask.length + query] = top + std::log(whole);
    return 1.0f / whole;
  }

  void backward(std::vector<float>& room) const {
    const int d = static_cast<int>(ask.head_dim);
    const int64_t own = ask.length * width;
    room.resize(int64_t{padded} * (2 * d + width + 2 * kTile) + 3 * kTile * width + 2 * own);
    float* keys = room.data();
    float* values = keys + int64_t{padded} * d;
    float* rows = values + int64_t{padded} * d;
    float* weights = rows + int64_t{padded} * width;
    float* slopes = weights + int64_t{padded} * kTile;
    float* queries = slopes + int64_t{padded} * kTile;
    float* gradients = queries + kTile * width;
    float* of_query = gradients + kTile * width;
    float* of_key = of_query + kTile * width;
    float* of_value = of_key + own;
    turn(ask.seen_key, ask.key, keys);
    turn(ask.seen_value, ask.value, values);
    copy(ask.seen_key, ask.key, rows);
    std::fill(of_key, of_key + 2 * own, 0.0f);
    for (int64_t i = 0; i < ask.length; i += kTile) {
      const int count = static_cast<int>(std::min<int64_t>(kTile, ask.length - i));
      const int limit = first_unseen(i + count - 1);
      for (int r = 0; r < count; ++r) {
        pad(at(ask.query, b, h, i + r), queries + r * width);
        pad(at(ask.gradient, b, h, i + r), gradients + r * width);
      }
      products(queries, width, count, keys, limit, weights);
      products(gradients, width, count, values, limit, slopes);
      for (int r = 0; r < count; ++r)
        slope(weights + int64_t{r} * padded, slopes + int64_t{r} * padded, gradients + r * width,
              first_unseen(i + r), limit, i + r);
      std::fill(of_query, of_query + count * width, 0.0f);
      gather<V>(count, {slopes, padded, 1}, limit, rows, of_query);
      for (int r = 0; r < count; ++r)
        std::memcpy(at(ask.of_query, b, h, i + r), of_query + r * width, d * sizeof(float));
      const int seen = static_cast<int>(ask.seen), fresh = limit - seen;
      if (fresh > 0) {
        gather<V>(fresh, {slopes + seen, 1, padded}, count, queries, of_key);
        gather<V>(fresh, {weights + seen, 1, padded}, count, gradients, of_value);
      }
    }
    for (int64_t j = 0; j < ask.length; ++j) {
      std::memcpy(at(ask.of_key, b, h, j), of_key + j * width, d * sizeof(float));
      std::memcpy(at(ask.of_value, b, h, j), of_value + j * width, d * sizeof(float));
    }
  }

  // Logits become weights, products with values become gradients of the logits.
  void slope(float* weights, float* slopes, const float* gradient, int stop, int limit,
             int64_t query) const {
    const float* out = at(ask.out, b, h, query);
    float mean = 0;
    for (int k = 0; k < ask.head_dim; ++k) mean += gradient[k] * out[k];
    const float top = ask.logsumexp[(b * ask.heads + h) * ask.length + query];
    const int end = (limit + kLanes - 1) / kLanes * kLanes;
    for (int j = 0; j < end; j += kLanes) {
      const Vector weight = exponential(load(weights + j) - top);
      store(weights + j, weight);
      store(slopes + j, weight * (load(slopes + j) - mean));
    }
    std::fill(weights + stop, weights + end, 0.0f);
    std::fill(slopes + stop, slopes + end, 0.0f);
  }
};

template <int V>
void answer(const Question& ask, int64_t first, int64_t last, bool is_backward) {
  if constexpr (V < kMaxVectors) {
    if (ask.head_dim > V * kLanes) return answer<V + 1>(ask, first, last, is_backward);
  }
  static thread_local std::vector<float> room;
  for (int64_t index = first; index < last; ++index) {
    const Part<V> part(ask, index);
    if (is_backward)
      part.backward(room);
    else if (ask.length == 1)
      part.single(room);
    else
      part.forward(room);
  }
}

}  // namespace

extern "C" {

// Sequences and heads `first` to `last` - 1, numbered batch * heads + head.
void viv1t_attend(const Question* ask, int64_t first, int64_t last) {
  answer<1>(*ask, first, last, false);
}

void viv1t_attend_backward(const Question* ask, int64_t first, int64_t last) {
  answer<1>(*ask, first, last, true);
}
}
