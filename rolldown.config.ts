import { defineConfig } from 'rolldown';

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
  logLevel: 'warn',
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: '[name]-[hash].js',
  },
});
