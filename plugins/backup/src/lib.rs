//! The `backup` plugin.
