import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/config/load.ts';

// What people read leads somewhere: links, sections that are named in words, commands and flags, and configurations to paste.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IN = ['.', 'docs', 'docs/runbooks', 'deploy'];
const PAGES = IN.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const COMMANDS = new Map(createProgram(() => undefined).commands.map((command) => [command.name(), command] as const));
const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '');
const headings = (text: string) => [...withoutCode(text).matchAll(/^#{1,4} (.+)$/gm)].map(([, title = '']) => title);

/** As the sites that show these pages make them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const title of headings(text)) {
    const base = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${base}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What cannot be followed. */
function broken(page: string): readonly string[] {
  const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
  return links.filter((to) => {
    if (/^[a-z]+:/.test(to)) return false;
    const [path = '', anchor] = to.split('#');
    const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
    const facts = statSync(join(ROOT, target), { throwIfNoEntry: false });
    if (facts === undefined) return true;
    return anchor !== undefined && !anchorsOf(read(target)).has(anchor);
  });
}

/** `page.md, "Section"`, as comments, configuration and sentences of the program say it. */
function unknownSections(text: string): readonly string[] {
  return [...text.matchAll(/\b([\w-]+\.md),? "([A-Z][^"\n]+)"|"([A-Z][^"\n]+)" (?:in|of) docs\/([\w-]+\.md)/g)]
    .map(([, page, section, before, of]) => [page ?? of ?? '', section ?? before ?? ''] as const)
    .filter(([page, section]) => {
      const path = PAGES.find((each) => each.endsWith(`/${page}`));
      if (path === undefined) return true;
      return !headings(read(path)).includes(section) && !read(path).includes(`**${section}.**`);
    })
    .map(([page, section]) => `${page}: ${section}`);
}

const sources = (folder: string, ending: RegExp): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name));

describe.each(PAGES)('%s', (page) => {
  it('has no link that leads nowhere', () => {
    expect(broken(page)).toEqual([]);
  });

  it('names commands and flags that there are', () => {
    expect(unknownFlags(read(page))).toEqual([]);
  });
});

it('a link that leads nowhere is found', () => {
  expect(anchorsOf('# One, two\n\n## `tuf` *and*\n\n## One, two\n')).toEqual(
    new Set(['one-two', 'tuf-and', 'one-two-1']),
  );
  expect(unknownSections('see operating.md, "Where the Moon is"')).toEqual(['operating.md: Where the Moon is']);
  expect(unknownFlags('```sh\nverbatim status --moon\nverbatim fly\n```\n')).toEqual(['status --moon', 'fly']);
});

it('sections that are named in words are there', () => {
  const texts = [
    ...PAGES,
    'docker-compose.yml',
    ...sources('src', /\.ts$/),
    ...sources('config', /\.(yaml|yml|cfg)$/),
    ...sources('deploy', /\.yaml$/),
  ];
  expect(texts.flatMap((path) => unknownSections(read(path)).map((unknown) => `${path}: ${unknown}`))).toEqual([]);
});

it('each configuration in docs/migrating.md is read, and so is each file of deploy/', () => {
  const directory = mkdtempSync(join(tmpdir(), 'verbatim-docs-'));
  try {
    const file = join(directory, 'verbatim.yaml');
    const texts = [...read('docs/migrating.md').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
    expect(texts.length).toBeGreaterThan(2);
    for (const text of [...texts, read('deploy/systemd/verbatim.yaml')]) {
      writeFileSync(file, text);
      expect(Object.keys(loadConfig({ file, env: {} }).indexes)).not.toEqual([]);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** Of `verbatim COMMAND --flag` in code, what this program does not know. */
function unknownFlags(text: string): readonly string[] {
  const code = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block).join('\n');
  const lines = code.replaceAll('\\\n', ' ').split(/\n|&&|\||;/);
  return lines.flatMap((line) => {
    const [, called, rest = ''] = /^\s*(?:\([^)]*\) )?verbatim ([a-z-]+)(.*)$/.exec(line.replace(/\s#.*$/, '')) ?? [];
    if (called === undefined || called.startsWith('--')) return [];
    const command = COMMANDS.get(called);
    if (command === undefined) return [called];
    const flags = [...rest.matchAll(/\s(--[a-z-]+)/g)].map(([, flag = '']) => flag);
    return flags.filter((flag) => !knows(command, flag)).map((flag) => `${called} ${flag}`);
  });
}

function knows(command: Command, flag: string): boolean {
  const { options, commands } = command;
  return flag === '--help' || options.some(({ long }) => long === flag) || commands.some((each) => knows(each, flag));
}
