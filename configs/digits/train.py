"""Train the quantized classifier of scikit-learn's handwritten digits, and write digits.keras and digits_test.npz.

Needs the `train` extra (keras, hgq2, torch, scikit-learn); building the hardware does not.
"""

import os

os.environ['KERAS_BACKEND'] = 'torch'  # before the first import of keras

import argparse
from pathlib import Path

import keras
import numpy as np
import torch
from hgq.config import QuantizerConfig, QuantizerConfigScope
from hgq.layers import QDense, QEinsumDenseBatchnorm
from hgq.utils import trace_minmax
from hgq.utils.sugar import BetaScheduler, FreeEBOPs, PieceWiseSchedule
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
NUM_TEST = 360
NUM_VALIDATION = 200
BATCH_SIZE = 128
HIDDEN = (16, 16)


def digits_splits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The 1797 images as 64 pixels in steps of 1/16 in [0, 1], stratified by digit."""
    images, labels = load_digits(return_X_y=True)
    pixels = (images / 16).astype(np.float32)
    rest_x, test_x, rest_y, test_y = train_test_split(
        pixels, labels, test_size=NUM_TEST, stratify=labels, random_state=SEED
    )
    train_x, validation_x, train_y, validation_y = train_test_split(
        rest_x, rest_y, test_size=NUM_VALIDATION, stratify=rest_y, random_state=SEED
    )
    return {
        'train': (train_x, train_y),
        'validation': (validation_x, validation_y),
        'test': (test_x, test_y),
    }


def digits_mlp() -> keras.Model:
    """64 -> 16 -> 16 -> 10; every pixel, activation and weight learns its own bit width.

    Pixels saturate, which costs nothing: they are quantized before they enter the chip. Activations are
    truncated and wrap, which is wiring alone; their integer bits are set from the data after training.
    """
    pixel = QuantizerConfig('kif', 'datalane', k0=False, i0=0, f0=3, round_mode='RND', overflow_mode='SAT')
    with (
        QuantizerConfigScope(q_type='kbi', place='weight', b0=3, overflow_mode='SAT_SYM'),
        QuantizerConfigScope(q_type='kbi', place='bias', b0=5, overflow_mode='WRAP'),
        QuantizerConfigScope(q_type='kif', place='datalane', i0=1, f0=3, round_mode='TRN'),
    ):
        inputs = keras.layers.Input((64,), name='pixels')
        x = inputs
        for index, units in enumerate(HIDDEN):
            x = QEinsumDenseBatchnorm(
                'bc,cC->bC',
                units,
                bias_axes='C',
                activation='relu',
                iq_conf=pixel if index == 0 else None,
                name=f'hidden{index + 1}',
            )(x)
        logits = QDense(10, name='logits')(x)
    return keras.Model(inputs, logits, name='digits_mlp')


class KeepBest(keras.callbacks.Callback):
    """Keep the weights of the best validation accuracy of all epochs that meet the size; ties go to the lower loss."""

    def __init__(self, max_ebops: float) -> None:
        super().__init__()
        self.max_ebops = max_ebops
        self.best: tuple[float, float] = (-1.0, 0.0)
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        score = (logs['val_accuracy'], -logs['val_loss'])
        if logs['ebops'] <= self.max_ebops and score > self.best:
            self.best = score
            self.weights = self.model.get_weights()
        if (epoch + 1) % 50 == 0:
            print(
                f'epoch {epoch + 1}: loss {logs["loss"]:.4f}, EBOPs {logs["ebops"]:.0f}, '
                f'validation {logs["val_accuracy"]:.4f}, best {self.best[0]:.4f}',
                flush=True,
            )


def fit(
    epochs: int, schedule: list[tuple[int, float, str]], keepers: list[KeepBest]
) -> tuple[keras.Model, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Train under a price on EBOPs that follows the schedule; the keepers hold the weights that are worth it."""
    keras.utils.set_random_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    splits = digits_splits()
    model = digits_mlp()
    steps = epochs * -(-len(splits['train'][0]) // BATCH_SIZE)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, steps, alpha=0.05)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=['accuracy'],
    )
    model.fit(
        *splits['train'],
        validation_data=splits['validation'],
        batch_size=BATCH_SIZE,
        epochs=epochs,
        callbacks=[FreeEBOPs(), BetaScheduler(PieceWiseSchedule(schedule)), *keepers],
        verbose=0,
    )
    return model, splits


def train(
    epochs: int, max_ebops: float, final_beta: float
) -> tuple[keras.Model, dict[str, tuple[np.ndarray, np.ndarray]]]:
    keep = KeepBest(max_ebops)
    # Effective bit operations track LUTs well: their price rises until the network fits the target, and stays there.
    schedule = [(0, 1e-6, 'log'), (epochs // 8, 1e-5, 'log'), (3 * epochs // 4, final_beta, 'constant')]
    model, splits = fit(epochs, schedule, [keep])
    if not keep.weights:
        raise SystemExit(f'no epoch came below {max_ebops:.0f} EBOPs: train longer, or raise --final-beta')
    model.set_weights(keep.weights)
    return model, splits


def save_bare(model: keras.Model, path: Path) -> None:
    """Without optimizer state: the same layers in a model that was never compiled."""
    keras.Model(model.inputs, model.outputs, name=model.name).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--epochs', type=int, default=2000)
    parser.add_argument('--max-ebops', type=float, default=2400)
    parser.add_argument('--final-beta', type=float, default=1.5e-4)
    parser.add_argument('--output', type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    model, splits = train(options.epochs, options.max_ebops, options.final_beta)
    ebops = trace_minmax(model, np.concatenate([splits['train'][0], splits['validation'][0]]))
    for name, (x, y) in splits.items():
        logits = np.asarray(model.predict(x, batch_size=len(x), verbose=0))
        print(f'{name}: accuracy {np.mean(logits.argmax(axis=1) == y):.4f} on {len(y)}')
    test_x, test_y = splits['test']
    keras_y = np.asarray(model.predict(test_x, batch_size=len(test_x), verbose=0))
    print(f'EBOPs {ebops}')
    options.output.mkdir(parents=True, exist_ok=True)
    save_bare(model, options.output / 'digits.keras')
    np.savez_compressed(options.output / 'digits_test.npz', x=test_x, y=test_y.astype(np.int64), keras_y=keras_y)


if __name__ == '__main__':
    main()
