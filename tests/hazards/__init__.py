"""The hazards of the SDK's consumer library, each shown with a naive processor and with ours."""
