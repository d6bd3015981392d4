#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { createProgram } = await import('./cli/program.ts');
const program = createProgram(() => {
  process.exitCode = 1;
});
try {
  await program.parseAsync();
} catch (error) {
  const { describe, say } = await import('./cli/output.ts');
  say(`verbatim: ${describe(error)}`);
  process.exitCode = 1;
}
