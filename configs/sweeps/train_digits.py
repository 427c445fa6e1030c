"""Train one classifier of digits a bit budget, in one run, and write hgq2/digits_<budget>.keras.

The price of effective bit operations (EBOPs) rises over the whole run, so the network passes one budget after the
other; of the epochs below each budget the best is kept. Data, network and seed are those of configs/digits/train.py.
Needs the `train` extra; building the hardware does not.
"""

import os

os.environ['KERAS_BACKEND'] = 'torch'  # before the first import of keras

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / 'digits'))

import numpy as np
from hgq.utils import trace_minmax
from train import KeepBest, fit, save_bare

BUDGETS = (700, 1100, 1700, 2600, 4000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--epochs', type=int, default=1200)
    parser.add_argument('--first-beta', type=float, default=3e-5)
    parser.add_argument('--final-beta', type=float, default=2e-3)
    parser.add_argument('--output', type=Path, default=Path(__file__).parent / 'hgq2')
    options = parser.parse_args()
    keepers = [KeepBest(budget) for budget in BUDGETS]
    schedule = [
        (0, 1e-6, 'log'),
        (options.epochs // 8, options.first_beta, 'log'),
        (options.epochs, options.final_beta, 'log'),
    ]
    model, splits = fit(options.epochs, schedule, keepers)
    seen = np.concatenate([splits['train'][0], splits['validation'][0]])
    options.output.mkdir(parents=True, exist_ok=True)
    for keeper in keepers:
        if not keeper.weights:
            raise SystemExit(f'no epoch came below {keeper.max_ebops:.0f} EBOPs: raise --final-beta')
        model.set_weights(keeper.weights)
        ebops = trace_minmax(model, seen)
        x, y = splits['test']
        logits = np.asarray(model.predict(x, batch_size=len(x), verbose=0))
        print(f'budget {keeper.max_ebops}: EBOPs {ebops}, test accuracy {np.mean(logits.argmax(axis=1) == y):.4f}')
        save_bare(model, options.output / f'digits_{keeper.max_ebops:04}.keras')


if __name__ == '__main__':
    main()
