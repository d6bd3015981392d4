import { writeFileSync } from 'node:fs';
import { metricsPage } from './metrics-table.ts';

// Writes docs/metrics.md.

writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsPage());
