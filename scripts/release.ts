import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { licenceTexts, packagesOf, sbomOf } from './release/packages.ts';
import { singleFile } from './release/single-file.ts';
import { releaseFault, tagOf, tagsOfHead } from './release/tag.ts';

// npm run release [DIRECTORY]: the program as one file that needs node and nothing else, what lies in it, under which licences,
// and the sums of all of them. Made twice, it is the same. It says which tag the release must bear, and refuses a commit that is tagged otherwise.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const [directory = join(ROOT, 'release')] = process.argv.slice(2);
const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const tags = tagsOfHead(ROOT);
const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
const fault = releaseFault({ version, tags: tags ?? [], changelog });
if (fault !== undefined) {
  console.error(fault);
  process.exit(1);
}

const { code, modules } = await singleFile();
const packages = packagesOf(modules);
const program = `#!/usr/bin/env node\n${code.replace(/^#!.*\n/, '')}`;
const files = {
  [`verbatim-${version}.mjs`]: program,
  [`verbatim-${version}.cdx.json`]: sbomOf(version, sha256(program), packages),
  'LICENSES.txt': licenceTexts(packages),
};
const sums = Object.entries(files).map(([name, text]) => `${sha256(text)}  ${name}\n`);

rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries({ ...files, SHA256SUMS: sums.join('') }))
  writeFileSync(join(directory, name), text, { mode: name.endsWith('.mjs') ? 0o755 : 0o644 });
for (const name of Object.keys(files)) console.log(join(directory, name));
const tag = tagOf(version);
const standing =
  tags === undefined
    ? 'no repository is here to look into'
    : tags.includes(tag)
      ? 'this commit bears it'
      : 'this commit does not bear it yet';
console.error(`The release is version ${version}, and its tag ${tag}: ${standing}.`);
