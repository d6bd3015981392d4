import { defineConfig } from 'rolldown';

/** A module of the bundle that lies in no file. */
const NO_PROGRAMS = '\0no-programs';

// dist/ is the program in few files: node takes longer to find, read and link three hundred modules than to run them.
// What it needs lies in it, as package-lock.json names it.
export default defineConfig({
  input: {
    main: 'src/main.ts',
    // Threads look for these beside themselves, under these names.
    entry: 'src/workers/entry.ts',
    'thread-entry': 'src/disk/database/thread-entry.ts',
  },
  platform: 'node',
  plugins: [
    {
      // commander loads it for subcommands that are programs of their own, which there are none of here: a tenth of a short run.
      name: 'commander starts no programs',
      resolveId: (source, importer) =>
        source === 'node:child_process' && /[\\/]commander[\\/]/.test(importer ?? '') ? NO_PROGRAMS : undefined,
      load: (id) => (id === NO_PROGRAMS ? 'export {};' : undefined),
    },
  ],
  logLevel: 'warn',
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: '[name]-[hash].js',
  },
});
