"""An exam: a storm that writes, the faults during it, the recovery after each, and the audit."""
