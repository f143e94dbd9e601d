"""What watches a training, in the order in which `CallbacksSetup` declares it."""
