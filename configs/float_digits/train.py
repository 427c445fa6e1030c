"""Train a float classifier of scikit-learn's handwritten digits, and write digits_float.keras and digits_float.npz.

Needs the `train` extra (keras, torch, scikit-learn); quantizing it and building the hardware do not.
"""

import os

os.environ['KERAS_BACKEND'] = 'torch'  # before the first import of keras

from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
NUM_TEST = 360
NUM_CALIBRATION = 256
HIDDEN = (32, 16)


def main() -> None:
    """64 -> 32 -> 16 -> 10 with batch normalization; the test set is that of the quantized digits model."""
    keras.utils.set_random_seed(SEED)
    images, labels = load_digits(return_X_y=True)
    pixels = (images / 16).astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=NUM_TEST, stratify=labels, random_state=SEED
    )
    layers = [keras.layers.Input((64,), name='pixels')]
    for index, units in enumerate(HIDDEN, 1):
        layers += [
            keras.layers.Dense(units, use_bias=False, name=f'hidden{index}'),
            keras.layers.BatchNormalization(name=f'norm{index}'),
            keras.layers.ReLU(name=f'relu{index}'),
        ]
    layers.append(keras.layers.Dense(10, activation='softmax', name='digit'))
    model = keras.Sequential(layers, name='digits_float')
    model.compile(keras.optimizers.Adam(3e-3), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    model.fit(train_x, train_y, batch_size=64, epochs=40, verbose=0)
    _, accuracy = model.evaluate(test_x, test_y, verbose=0)
    print(f'test accuracy {100 * accuracy:.2f} %')
    folder = Path(__file__).parent
    plain = keras.models.clone_model(model)  # without the state of the optimizer
    plain.set_weights(model.get_weights())
    plain.save(folder / 'digits_float.keras')
    np.savez_compressed(
        folder / 'digits_float.npz',
        x=test_x,
        y=test_y.astype(np.int8),
        calibration=train_x[:NUM_CALIBRATION],
        keras_y=plain.predict(test_x, verbose=0),
    )


if __name__ == '__main__':
    main()
