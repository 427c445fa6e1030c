"""PyTorch models: live modules with or without Brevitas quantizers, and programs that torch.export saved."""
