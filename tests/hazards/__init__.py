"""Tests of the hazards of the SDK's consumer library, with a naive processor and with ours."""
