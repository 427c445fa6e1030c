"""Write small random HGQ2 models with their inputs and outputs: `python random_hgq_models.py FOLDER SEED COUNT`.

Runs under an interpreter that has hgq2 and a Keras backend; the tests start it and never import it.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault('KERAS_BACKEND', 'torch')  # before the first import of keras

import keras
import numpy as np
from hgq.config import HardSigmoidConfig, HardTanhConfig, QuantizerConfig
from hgq.layers import QBatchNormDense, QDense, QEinsumDense, QEinsumDenseBatchnorm, Quantizer

ROUNDINGS = ('TRN', 'RND', 'RND_CONV', 'TRN_ZERO', 'RND_ZERO', 'RND_MIN_INF', 'RND_INF', 'S_RND', 'S_RND_CONV')
OVERFLOWS = ('WRAP', 'SAT', 'SAT_SYM')
NUM_SAMPLES = 256


class RandomModel:
    """Draws one model; ``used`` counts what it is made of."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.used: list[str] = []

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def config(self, place: str, ndim: int) -> QuantizerConfig:
        """Any type, rounding and overflow mode, any grouping of the bit counts, now and then a scale."""
        if place == 'datalane' and self.rng.random() < 0.06:
            self.used.append('hard')
            return self.pick(HardTanhConfig, HardSigmoidConfig)(f0=int(self.rng.integers(1, 5)))
        q_type = self.pick('kif', 'kbi')
        round_mode, overflow_mode = self.pick(*ROUNDINGS), self.pick(*OVERFLOWS)
        self.used += [f'{place}:{q_type}', f'{place}:{round_mode}', f'{place}:{overflow_mode}']
        i0, f0 = int(self.rng.integers(0, 3)), int(self.rng.integers(1, 5))
        bits = {'i0': i0, 'f0': f0} if q_type == 'kif' else {'i0': i0, 'b0': i0 + f0}
        axes = [axis for axis in range(ndim) if self.rng.random() < 0.5]
        if place == 'datalane' and 0 not in axes:
            axes.insert(0, 0)  # no bit counts along the batch
        extra = {}
        if self.rng.random() < 0.1:
            extra['scaler'] = float(2.0 ** self.rng.integers(-2, 3)) if place == 'datalane' else 3.0
        if self.rng.random() < 0.1:
            extra['affine'] = (float(self.pick(0.5, 0.25, -0.5)), 0.375)
        return QuantizerConfig(
            q_type,
            place,
            k0=bool(self.rng.integers(2)),
            round_mode=round_mode,
            overflow_mode=overflow_mode,
            homogeneous_axis=tuple(axes),
            trainable=bool(self.rng.random() < 0.8),
            **({'is_weight': bool(self.rng.integers(2))} if place != 'datalane' else {}),
            **bits,
            **extra,
        )

    def dense(self, shape: tuple[int, ...], kind: str) -> keras.layers.Layer:
        """A dense layer for an input of ``shape``, batch included."""
        units = int(self.rng.integers(1, 7))
        ndim = len(shape)
        options = {
            'iq_conf': self.config('datalane', ndim),
            'activation': self.pick(None, 'linear', 'relu'),
            'enable_ebops': bool(self.rng.random() < 0.7),
        }
        if self.rng.random() < 0.3:
            options |= {'enable_oq': True, 'oq_conf': self.config('datalane', ndim)}
        if kind in ('QDense', 'QBatchNormDense'):
            options |= {'kq_conf': self.config('weight', 2), 'bq_conf': self.config('bias', 1)}
            if kind == 'QBatchNormDense':
                return QBatchNormDense(units, epsilon=1e-3, scale=bool(self.rng.integers(2)), **options)
            return QDense(units, use_bias=bool(self.rng.integers(2)), **options)
        if ndim == 2:
            equation, output, axes, kernel_ndim, bias_ndim = self.pick(
                ('bc,cC->bC', units, 'C', 2, 1), ('...c,cC->...C', units, 'C', 2, 1)
            )
        else:
            time = shape[1]
            equation, output, axes, kernel_ndim, bias_ndim = self.pick(
                ('btc,cC->btC', (time, units), 'C', 2, 1),
                ('...c,cC->...C', units, 'C', 2, 1),
                ('btc,tcC->btC', (time, units), 'C', 3, 1),
                ('btc,tcC->btC', (time, units), 'tC', 3, 2),
                ('btc,tT->bTc', (units, shape[2]), 'T', 2, 2),
                ('bt...,tT->bT...', units, 'T', 2, 2),
                ('btc,tcC->bC', units, 'C', 3, 1),
            )
            if equation == 'btc,tcC->bC':
                options |= {'enable_oq': False, 'oq_conf': None}
        self.used.append(equation)
        options |= {'kq_conf': self.config('weight', kernel_ndim), 'bq_conf': self.config('bias', bias_ndim)}
        if kind == 'QEinsumDenseBatchnorm':
            return QEinsumDenseBatchnorm(equation, output, bias_axes=axes, **options)
        return QEinsumDense(equation, output, bias_axes=self.pick(None, axes), **options)

    def layer(self, shape: tuple[int, ...]) -> keras.layers.Layer:
        draw = self.rng.random()
        if draw < 0.1:
            chosen = Quantizer(self.config('datalane', len(shape)))
        elif draw < 0.2:
            chosen = self.pick(
                keras.layers.Dropout(0.5),
                keras.layers.Flatten(),
                keras.layers.Reshape((-1,) if len(shape) > 2 else (1, -1)),
            )
        else:
            chosen = self.dense(shape, self.pick('QDense', 'QBatchNormDense', 'QEinsumDense', 'QEinsumDenseBatchnorm'))
        self.used.append(type(chosen).__name__)
        return chosen

    def model(self, name: str) -> keras.Model:
        shape = self.pick((int(self.rng.integers(2, 9)),), (int(self.rng.integers(2, 4)), int(self.rng.integers(2, 5))))
        x = inputs = keras.layers.Input(shape)
        x = Quantizer(self.config('datalane', len(shape) + 1))(x)
        outputs = []
        layers = []
        for _ in range(int(self.rng.integers(1, 4))):
            layers.append(self.layer(x.shape))
            x = layers[-1](x)
            if self.rng.random() < 0.2:
                outputs.append(x)
        if self.rng.random() < 0.2:  # the last layer once more, on another path
            shared = QDense(x.shape[-1], iq_conf=self.config('datalane', len(x.shape)))
            x = shared(shared(x))
            self.used.append('shared')
        model = keras.Model(inputs, [*[y for y in outputs if y is not x], x], name=name)
        if len(model.outputs) == 1 and self.rng.random() < 0.3 and 'shared' not in self.used:
            model = keras.Sequential([inputs, *model.layers[1:]], name=name)
            self.used.append('Sequential')
        self.randomize(model)
        return model

    def randomize(self, model: keras.Model) -> None:
        """Values for every variable: fractional bit counts (ties too), some without bits, and real batch statistics."""
        for variable in model.variables:
            size, kind = tuple(variable.shape), variable.path.rsplit('/', 1)[-1]
            if kind == 'k':
                value = self.rng.integers(0, 2, size)
            elif kind in ('i', 'f', 'b'):
                value = np.asarray(variable) + self.rng.choice([-3, -1, -0.5, 0, 0, 0.3, 0.5, 1, 1.5], size)
                if kind == 'b':
                    value = np.maximum(value, 0)
            elif kind == 'moving_variance':
                value = self.rng.uniform(0.05, 3, size)
            elif kind in ('kernel', 'bias', 'gamma', 'bn_gamma', 'bn_beta', 'moving_mean', 'recurrent_kernel', 'scale'):
                value = self.rng.normal(0, 1, size)
                on_grid = self.rng.random(size) < 0.3  # so that ties of the rounding occur
                value = np.where(on_grid, np.round(value * 32) / 32, value)
            else:
                continue
            variable.assign(value.astype(str(variable.dtype)))


def main() -> None:
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        keras.utils.set_random_seed(seed * 1000 + index)
        name = f'random_{index:03d}'
        drawn = RandomModel(rng)
        model = drawn.model(name)
        shape = (NUM_SAMPLES, *model.inputs[0].shape[1:])
        x = np.round(rng.normal(0, 2, shape) * 64) / 64
        x = x.astype(np.float32)
        outputs = model(x, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        arrays = {f'y{position}': keras.ops.convert_to_numpy(y) for position, y in enumerate(outputs)}
        model.save(folder / f'{name}.keras')
        np.savez(folder / f'{name}.npz', x=x, **arrays)
        (folder / f'{name}.json').write_text(json.dumps(sorted(set(drawn.used))))


if __name__ == '__main__':
    main()
