"""Write one small model a layer and draw, with HGQ2's own outputs: `python random_layers.py FOLDER SEED ROUNDS`.

Runs under an interpreter that has hgq2 and a Keras backend; the tests start it and never import it. A model that HGQ2
itself cannot build or run is left out and counted in `skipped.json`.
"""

# ruff: noqa: I001  (the first import of ours sets the backend before that of keras)

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / 'core' / 'frontends'))
from random_hgq_models import RandomModel

import hgq.layers as q
import keras
import numpy as np
from hgq.config import HardSigmoidConfig, HardTanhConfig, QuantizerConfig
from hgq.layers import Quantizer
from hgq.layers.attn.salt import QSALTAttention
from keras import layers as k
from keras import ops

NUM_SAMPLES = 64


class Draw(RandomModel):
    """One model of one layer, named by ``kind``."""

    def ints(self, low: int, high: int, count: int) -> tuple[int, ...]:
        return tuple(int(n) for n in self.rng.integers(low, high + 1, count))

    def quantized(self, shape: tuple[int, ...]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        inputs = k.Input(shape)
        return inputs, Quantizer(self.config('datalane', len(shape) + 1))(inputs)

    def around(self, ndim: int, several: int = 0) -> dict:
        """Quantizers in front and, now and then, behind."""
        if several:
            options: dict = {'iq_confs': [self.config('datalane', ndim) for _ in range(several)]}
        else:
            options = {'iq_conf': self.config('datalane', ndim)}
        if self.rng.random() < 0.4:
            options |= {'enable_oq': True, 'oq_conf': self.config('datalane', ndim)}
        return options

    def spatial(self, rank: int) -> tuple[int, ...]:
        return self.ints(3, (7, 5, 4)[rank - 1], rank)

    def conv(self, rank: int, quantized: bool = True):
        groups = self.pick(1, 1, 2)
        shape = (*self.spatial(rank), groups * self.pick(1, 2))
        strides = self.pick(1, 1, 2)
        options = {
            'filters': groups * self.pick(1, 2),
            'kernel_size': self.ints(1, 3, rank),
            'strides': strides,
            'padding': self.pick('valid', 'same', *(['causal'] if rank == 1 else [])),
            'dilation_rate': self.pick(1, 2) if strides == 1 else 1,
            'groups': groups,
            'use_bias': bool(self.rng.integers(2)),
            'activation': self.pick(None, 'relu'),
        }
        if options['padding'] == 'valid' and options['dilation_rate'] == 2:
            options['kernel_size'] = self.ints(1, 2, rank)
        if not quantized:
            return shape, getattr(k, f'Conv{rank}D')(**options)
        options |= self.around(rank + 2)
        if options['padding'] == 'causal':  # the zeros have no bit counts of their own along time
            axes = tuple(range(rank + 1))
            options['iq_conf'].config.update(homogeneous_axis=axes, heterogeneous_axis=None)
        weights = {'kq_conf': self.config('weight', rank + 2), 'bq_conf': self.config('bias', 1)}
        return shape, getattr(q, f'QConv{rank}D')(**options, **weights)

    def pool(self, rank: int, kind: str, package):
        shape = (*self.spatial(rank), 2)
        prefix = 'Q' if package is q else ''
        around = self.around(rank + 2) if package is q else {}
        cls = getattr(package, f'{prefix}{kind}Pooling{rank}D')
        if kind.startswith('Global'):
            around.pop('oq_conf', None), around.pop('enable_oq', None)
            if 'Average' in kind:
                shape = (*[self.pick(2, 4) for _ in range(rank)], 2)
            return shape, cls(keepdims=bool(self.rng.integers(2)), **around)
        size = tuple(self.pick(1, 2) for _ in range(rank)) if kind == 'Average' else self.ints(1, 3, rank)
        padding = self.pick('valid', 'same') if kind == 'Max' or rank < 3 else 'valid'
        return shape, cls(size, strides=self.pick(None, 1, 2), padding=padding, **around)

    def one_input(self, kind: str):
        """The shape of an input, and a layer for it."""
        name, _, rank = kind.rstrip('D').partition(':')
        if name == 'QConv':
            return self.conv(int(rank))
        if name == 'Conv':
            return self.conv(int(rank), False)
        if name.endswith('Pooling'):
            package = q if name.startswith('Q') else k
            return self.pool(int(rank), name.removeprefix('Q').removesuffix('Pooling'), package)
        if name in ('ZeroPadding', 'Cropping'):
            option = {'padding' if name == 'ZeroPadding' else 'cropping': 1 if rank != '2' else ((0, 1), (1, 0))}
            return (*self.spatial(int(rank)), 2), getattr(k, f'{name}{rank}D')(**option)
        if name == 'UpSampling':
            return (*self.ints(1, 3, int(rank)), 2), getattr(k, f'UpSampling{rank}D')(2)
        shape = self.pick((4,), (2, 3))
        ndim = len(shape) + 1
        if name in ('QDense', 'QBatchNormDense', 'QEinsumDense', 'QEinsumDenseBatchnorm'):
            return shape, self.dense((None, *shape), name)
        return shape, {
            'QBatchNormalization': lambda: q.QBatchNormalization(
                axis=self.pick(-1, 1),
                scale=bool(self.rng.integers(2)),
                center=bool(self.rng.integers(2)),
                kq_conf=self.config('weight', 1),
                bq_conf=self.config('bias', 1),
                **self.around(ndim),
            ),
            'QUnaryFunctionLUT': lambda: q.QUnaryFunctionLUT(
                self.pick('tanh', 'sigmoid', 'relu', 'softsign'),
                iq_conf=self.config('datalane', ndim),
                oq_conf=self.config('datalane', ndim),
            ),
            'QAffinedUnaryFunctionLUT': lambda: q.QAffinedUnaryFunctionLUT(
                self.pick('tanh', 'sigmoid', 'relu'),
                iq_conf=self.config('datalane', ndim),
                oq_conf=self.config('datalane', ndim),
            ),
            'QSoftmax': lambda: q.QSoftmax(-1, stable=bool(self.rng.integers(2)), enable_iq=True, **self.around(ndim)),
            'QSum': lambda: q.QSum(axes=-1, scale=self.pick(1.0, 0.5), keepdims=True, **self.around(ndim)),
            'QMeanPow2': lambda: q.QMeanPow2(
                axes=tuple(range(1, ndim)), keepdims=True, iq_conf=self.config('datalane', ndim)
            ),
            'Quantizer': lambda: Quantizer(self.config('datalane', ndim)),
            'Dense': lambda: k.Dense(3, activation=self.pick(None, 'relu')),
            'EinsumDense': lambda: k.EinsumDense('...c,cC->...C', 3, bias_axes='C'),
            'Flatten': k.Flatten,
            'Reshape': lambda: k.Reshape((-1, 1)),
            'Permute': lambda: k.Permute(tuple(range(len(shape), 0, -1))),
            'RepeatVector': lambda: k.RepeatVector(3),
            'ReLU': lambda: k.ReLU(max_value=self.pick(None, 1.5), negative_slope=self.pick(0.0, 0.25)),
            'LeakyReLU': lambda: k.LeakyReLU(negative_slope=0.125),
            'PReLU': lambda: k.PReLU(shared_axes=self.pick(None, [1])),
            'Activation': lambda: k.Activation(self.pick('relu', 'linear')),
            'Dropout': lambda: k.Dropout(0.3),
        }[name]()

    def table(self, ndim: int) -> QuantizerConfig:
        """A quantizer of the results of networks: no affine map and no scale, which would meet float32 sums."""
        return QuantizerConfig(
            'kif', 'table', k0=1, i0=int(self.rng.integers(0, 3)), f0=int(self.rng.integers(1, 6)),
            round_mode=self.pick('RND', 'RND_CONV', 'TRN'), overflow_mode=self.pick('SAT', 'WRAP', 'SAT_SYM'),
            homogeneous_axis=self.pick((0,), tuple(range(ndim))), heterogeneous_axis=None,
        )  # fmt: skip

    def networks(self, kind: str):
        """Layers of tables, each of which is a small network."""
        shape = self.pick((4,), (2, 3))
        ndim = len(shape) + 2
        options = {
            'n_hl': self.pick(0, 1, 2),
            'd_hl': self.pick(2, 4),
            'subnn_activation': self.pick('tanh', 'relu', 'linear'),
            'activation': self.pick(None, 'relu'),
        }
        if kind != 'QConvT1D' and kind != 'QConvT2D':
            options |= {'batch_norm': bool(self.rng.integers(2)), 'bn_scale': bool(self.rng.integers(2))}
            options['bn_center'] = bool(self.rng.integers(2))
        if kind == 'QEinsumDenseT':
            equation, output = ('bc,cC->bC', 3) if len(shape) == 1 else self.pick(
                ('btc,cC->btC', (2, 3)), ('btc,tcC->btC', (2, 3)), ('btc,tT->bTc', (4, 3)), ('btc,tcC->bC', 3)
            )  # fmt: skip
            options['bias_axes'] = self.pick(None, 'T' if 'T' in equation else 'C')
            ndim = len(equation.split(',')[0]) + (0 if 'T' in equation and 'C' in equation else 1)
            iq = self.config('datalane', ndim)
            return shape, q.QEinsumDenseT(equation, output, iq_conf=iq, toq_conf=self.table(ndim), **options)
        options['use_bias'] = bool(self.rng.integers(2))
        if kind == 'QDenseT':
            around = {'iq_conf': self.config('datalane', ndim), 'toq_conf': self.table(ndim)}
            return shape, q.QDenseT(3, **options, **around)
        rank = int(kind[-2])
        window = {
            'kernel_size': self.ints(1, 3, rank),
            'strides': self.ints(1, 2, rank) if rank == 1 else self.pick(1, 2),
            'padding': self.pick('valid', 'same'),
        }
        around = {'iq_conf': self.config('datalane', rank + 3), 'toq_conf': self.table(rank + 3)}
        return (*self.spatial(rank), 2), getattr(q, kind)(2, **window, **options, **around)

    def recurrent(self, kind: str):
        """Unrolled recurrent layers, gates saturated by their quantizers."""
        options = {
            'return_sequences': bool(self.rng.integers(2)),
            'go_backwards': bool(self.rng.integers(2)),
            'use_bias': bool(self.rng.integers(2)),
            'unroll': True,
            'iq_conf': self.config('datalane', 2),
            'sq_conf': self.config('datalane', 2),
            **{name: self.config('weight', 2) for name in ('kq_conf', 'rkq_conf')},
            'paq_conf': HardTanhConfig(f0=self.pick(2, 4)),
        }
        if kind == 'QSimpleRNN':
            options |= {'enable_sq': bool(self.rng.integers(2)), 'activation': self.pick('linear', 'relu')}
            return (3, 2), q.QSimpleRNN(2, bq_conf=self.config('bias', 1), **options)
        after = bool(self.rng.integers(2))
        options |= {'rhq_conf': self.config('datalane', 2), 'praq_conf': HardSigmoidConfig(f0=self.pick(2, 4))}
        return (3, 2), q.QGRU(2, reset_after=after, bq_conf=self.config('bias', 1 + after), **options)

    def averaged(self, kind: str):
        """Means of other than 2**n values, each behind by a quantizer."""
        if kind == 'mean:Average':
            pairs = [self.quantized((4,)) for _ in range(3)]
            y = k.Average()([b for _, b in pairs])
            return [a for a, _ in pairs], Quantizer(self.config('datalane', 2))(y)
        inputs, x = self.quantized((6, 3))
        y = {
            'mean:pool': lambda: q.QAveragePooling1D(
                3, strides=self.pick(1, 3), padding=self.pick('valid', 'same'), iq_conf=self.config('datalane', 3),
            ),
            'mean:global': lambda: q.QGlobalAveragePooling1D(keepdims=bool(self.rng.integers(2)), enable_iq=False),
            'mean:ops': lambda: lambda x: ops.mean(x, axis=self.pick(1, 2), keepdims=True),
        }[kind]()(x)  # fmt: skip
        if self.rng.random() < 0.5:
            y = k.Flatten()(y)
        return [inputs], Quantizer(self.config('datalane', len(y.shape)))(y)

    def merge(self, kind: str):
        """A layer of several inputs, on inputs of its own."""
        shape = self.pick((4,), (2, 3))
        count = 2 if kind in ('QSubtract', 'QDot', 'QEinsum', 'Subtract', 'Dot') else self.pick(2, 3)
        if kind in ATTENTION:
            return self.attention(kind)
        if kind == 'Average':
            count = self.pick(2, 4)
        pairs = [self.quantized(shape) for _ in range(count)]
        around = self.around(len(shape) + 1, count) if kind.startswith('Q') else {}
        options: dict = {}
        if kind in ('QDot', 'Dot', 'QEinsum'):
            around.pop('oq_conf', None), around.pop('enable_oq', None)
        if kind in ('QDot', 'Dot'):
            options['axes'] = -1 if kind == 'QDot' and len(shape) == 1 else self.pick(1, len(shape))
        if kind == 'QEinsum':
            options['equation'] = self.pick('bi,bj->bij', 'bi,bi->b') if len(shape) == 1 else 'bij,bkj->bik'
            if options['equation'] == 'bi,bi->b':
                options['equation'] = 'bi,bi->bi'
        if kind == 'Concatenate':
            options['axis'] = self.pick(-1, 1)
        cls = getattr(q if kind.startswith('Q') else k, kind)
        return [a for a, _ in pairs], cls(**options, **around)([b for _, b in pairs])

    def attention(self, kind: str):
        """Attention of one input to another."""
        pairs = [self.quantized((3, 2)), self.quantized((4, 2))]
        options: dict = {'lin_kv_proj_dim': 2} if 'Linformer' in kind or 'SALT' in kind else {}
        if kind == 'QMultiHeadAttention':
            options['fuse'] = self.pick('none', 'kv', 'qkv')
            if options['fuse'] == 'qkv':
                pairs[1] = pairs[0]
        if kind == 'QSALTAttention':
            options |= {'conv_size': self.pick(0, 3), 'separate_conv': bool(self.rng.integers(2))}
        if kind.endswith('T'):
            options |= {'n_hl': self.pick(0, 1), 'd_hl': 2, 'subnn_activation': self.pick('tanh', 'relu')}
            options |= {'batch_norm': bool(self.rng.integers(2)), 'qkvo_toq_conf': self.table(4)}
            options['qkvo_toq_conf'].config['homogeneous_axis'] = None
            options['qkvo_toq_conf'].config['heterogeneous_axis'] = ()
        made = QSALTAttention if kind == 'QSALTAttention' else getattr(q, kind)
        layer = made(num_heads=self.pick(1, 2), key_dim=self.pick(1, 3), **options)
        if pairs[0] is pairs[1]:
            return [pairs[0][0]], layer(pairs[0][1], pairs[0][1])
        return [a for a, _ in pairs], layer(*(b for _, b in pairs))

    def operations(self):
        """A chain of functions of keras.ops."""
        inputs, x = self.quantized((3, 4))
        other, y = self.quantized((3, 4))
        for _ in range(int(self.rng.integers(1, 4))):
            name, function = self.pick(
                ('add', lambda x: x + self.pick(0.5, -1.25)),
                ('subtract', lambda x: 1 - x),
                ('multiply', lambda x: 2 * x),
                ('max', lambda x: ops.maximum(x, 0.25)),
                ('min', lambda x: ops.minimum(x, ops.negative(x))),
                ('abs', lambda x: ops.absolute(x)),
                ('flip', lambda x: ops.flip(x, axis=1)),
                ('swap', lambda x: ops.swapaxes(ops.transpose(x, (0, 2, 1)), 1, 2)),
                ('move', lambda x: ops.moveaxis(ops.moveaxis(x, 1, 2), 2, 1)),
                ('clip', lambda x: ops.clip(x, -1.0, 0.75)),
                ('relu', lambda x: ops.relu(x)),
                ('index', lambda x: ops.concatenate([x[:, 1:], x[:, :1]], axis=1)),
                ('stack', lambda x: ops.sum(ops.stack([x, x], axis=1), axis=1)),
                ('expand', lambda x: ops.squeeze(ops.expand_dims(x, 2), 2)),
                ('reshape', lambda x: ops.reshape(ops.reshape(x, (-1, 12)), (-1, 3, 4))),
                ('repeat', lambda x: ops.repeat(x, 2, axis=1)[:, ::2]),
            )
            self.used.append(f'ops:{name}')
            x = function(x)
        x = self.pick(
            lambda: ops.sum(x, axis=-1),
            lambda: ops.mean(x, axis=2, keepdims=True),
            lambda: ops.max(x, axis=1),
            lambda: ops.einsum('bij,bkj->bik', x, y),
            lambda: ops.matmul(x, ops.transpose(y, (0, 2, 1))),
            lambda: ops.maximum(x, y) - ops.minimum(x, y),
        )()
        return [inputs, other], [x, y[:, 0]]

    def nested(self):
        """A model in a model, called twice, and a Sequential one behind it."""
        inputs, x = self.quantized((3,))
        a = k.Input((3,))
        b = self.dense((None, 3), 'QDense')(a)
        inner = keras.Model(a, [b, q.QDense(3, iq_conf=self.config('datalane', 2))(a)])
        chain = keras.Sequential([k.Input((3,)), q.QDense(3, iq_conf=self.config('datalane', 2)), k.ReLU()])
        _, first = inner(x)
        second, third = inner(chain(first))
        return [inputs], [second, third, first]

    def model(self, kind: str, name: str) -> keras.Model:
        if kind == 'keras.ops':
            inputs, outputs = self.operations()
        elif kind == 'nested':
            inputs, outputs = self.nested()
        elif kind in MERGES or kind == 'QAveragePow2':
            inputs, outputs = self.merge(kind)
        elif kind in MEANS:
            inputs, outputs = self.averaged(kind)
        else:
            makers = {**dict.fromkeys(NETWORKS, self.networks), **dict.fromkeys(RECURRENT, self.recurrent)}
            shape, layer = makers.get(kind, self.one_input)(kind)
            if kind == 'RepeatVector':
                shape = (4,)
            if kind == 'PReLU' and len(shape) == 1:
                shape = (2, 3)
            inputs, x = self.quantized(shape)
            outputs = layer(x)
        model = keras.Model(inputs, outputs, name=name)
        self.randomize(model)
        if kind in PLAIN:
            for variable in model.variables:
                if variable.path.rsplit('/', 1)[-1] in ('kernel', 'bias', 'alpha', 'gamma', 'bn_beta'):
                    variable.assign(self.rng.integers(-8, 9, tuple(variable.shape)) / np.float32(8))
        return model


RANKS = ('1D', '2D', '3D')
POOLS = ('Max', 'Average', 'GlobalMax', 'GlobalAverage')
PLAIN = ('Dense', 'EinsumDense', 'PReLU', *(f'Conv:{rank}' for rank in RANKS))
ATTENTION = (
    *('QMultiHeadAttention', 'QLinformerAttention', 'QMultiHeadAttentionT', 'QLinformerAttentionT', 'QSALTAttention'),
)
NETWORKS = ('QDenseT', 'QEinsumDenseT', 'QConvT1D', 'QConvT2D')
RECURRENT = ('QSimpleRNN', 'QGRU')
MEANS = ('mean:pool', 'mean:global', 'mean:ops', 'mean:Average')
MERGES = (
    *ATTENTION,
    *('QAdd', 'QSubtract', 'QMultiply', 'QMaximum', 'QMinimum', 'QDot', 'QEinsum'),
    *('Add', 'Subtract', 'Multiply', 'Maximum', 'Minimum', 'Average', 'Dot', 'Concatenate'),
)
# QAveragePow2 goes first: made after a QAdd, HGQ2 would apply its output quantizer twice in this process
KINDS = (
    'QAveragePow2',
    *(f'QConv:{rank}' for rank in RANKS),
    *(f'Q{pool}Pooling:{rank}' for pool in POOLS for rank in RANKS),
    *(f'{pool}Pooling:{rank}' for pool in POOLS for rank in RANKS),
    *(f'{name}:{rank}' for name in ('ZeroPadding', 'Cropping', 'UpSampling') for rank in RANKS),
    *('QDense', 'QBatchNormDense', 'QEinsumDense', 'QEinsumDenseBatchnorm', 'QBatchNormalization'),
    *(
        'QUnaryFunctionLUT',
        'QAffinedUnaryFunctionLUT',
        'QSoftmax',
        'QSum',
        'QMeanPow2',
        'Quantizer',
        'Flatten',
        'Reshape',
        'Permute',
        'RepeatVector',
        'ReLU',
        'LeakyReLU',
    ),
    *('Activation', 'Dropout', 'keras.ops', 'nested', *PLAIN, *MERGES, *NETWORKS, *RECURRENT, *MEANS),
)


def main() -> None:
    folder, seed, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    skipped: dict[str, str] = {}
    for index in range(rounds):
        for kind in sys.argv[4:] or KINDS:
            name = f'{kind.replace(":", "").replace(".", "_")}_{seed}_{index}'
            rng = np.random.default_rng([seed, index, *kind.encode()])
            keras.utils.set_random_seed(seed * 1000 + index)
            drawn = Draw(rng)
            try:
                model = drawn.model(kind, name)
                xs = [
                    (np.round(rng.normal(0, 2, (NUM_SAMPLES, *x.shape[1:])) * 64) / 64).astype(np.float32)
                    for x in model.inputs
                ]
                outputs = model(xs if len(xs) > 1 else xs[0], training=False)
            except Exception as error:  # what HGQ2 makes of its own layers is not ours to judge
                skipped[name] = f'{type(error).__name__}: {error}'[:200]
                continue
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            arrays = {f'x{place}': x for place, x in enumerate(xs)}
            arrays |= {f'y{place}': keras.ops.convert_to_numpy(y) for place, y in enumerate(outputs)}
            model.save(folder / f'{name}.keras')
            np.savez_compressed(folder / f'{name}.npz', **arrays)
    (folder / 'skipped.json').write_text(json.dumps(skipped, indent=1))


if __name__ == '__main__':
    main()
