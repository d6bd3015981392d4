#!/usr/bin/env node
import module from 'node:module';

// Node 20 installs and runs npm; the program itself runs on the node that the checkout brings along.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `verbatim: this is node ${process.versions.node}; node 22.22 or newer is needed. In a checkout: node_modules/.bin/node src/main.ts\n`,
  );
  process.exit(1);
}
module.enableCompileCache();
const { createProgram } = await import('./cli/program.ts');
const program = createProgram(() => {
  process.exitCode = 1;
}, process.argv[2]);
try {
  await program.parseAsync();
} catch (error) {
  const [{ errorLines }, { say }] = await Promise.all([import('./app/words.ts'), import('./cli/output.ts')]);
  const [first, ...rest] = errorLines(error);
  say(`verbatim: ${first}`, ...rest);
  process.exitCode = 1;
}
