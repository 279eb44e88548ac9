"""What each tensor is: component, layer, role, axes, and the re-labellings that leave the model unchanged."""
