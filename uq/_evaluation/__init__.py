"""Error bars of means, differences and metrics; rankings; coverage reports. Stands on `uq._base`, under the rooms."""
