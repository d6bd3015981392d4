import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exportProgress, importProgress } from '../../../../src/cli/carry/bundle-progress.ts';
import { ProgressShown } from '../../../../src/cli/carry/progress.ts';

// How an export and an import stand, as whoever waits sees it.

let written: string[];
let isTerminal: boolean;
beforeEach(() => {
  written = [];
  isTerminal = process.stderr.isTTY;
  vi.useFakeTimers();
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((part) => {
      written.push(String(part));
      return true;
    });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  process.stderr.isTTY = isTerminal;
});

const onTerminal = () => {
  process.stderr.isTTY = true;
  process.stderr.columns = 100;
};
const MB = 1_000_000;

describe('on a terminal', () => {
  it('an export is one line, written over: what was looked at, then bytes, rate and the time that is left', () => {
    onTerminal();
    const shown = new ProgressShown(false);
    const at = exportProgress(shown);
    at({ phase: 'looking', items: 7 });
    vi.advanceTimersByTime(200);
    at({ phase: 'writing', bytes: 0, of: 4 * MB });
    vi.advanceTimersByTime(1900);
    at({ phase: 'writing', bytes: MB, of: 4 * MB });
    vi.advanceTimersByTime(100);
    shown.end();
    vi.advanceTimersByTime(5000);
    expect(written.join('')).not.toContain('\n');
    const lines = written.map((line) => line.replace('\r\u001b[2K', ''));
    expect(lines[0]).toBe('7 pages, documents and files looked at');
    expect(lines.at(-2)).toBe('1.0 MB of 4.0 MB written, 0.5 MB/s, 6 s left');
    expect(lines.at(-1)).toBe('');
  });

  it('an import counts contents and bytes of all, and each bundle begins anew', () => {
    onTerminal();
    const shown = new ProgressShown(false);
    const at = importProgress(shown);
    const of = { contents: 4, bytes: 8 * MB };
    at({ contents: 1, bytes: 2 * MB, of });
    vi.advanceTimersByTime(1800);
    at({ contents: 2, bytes: 4 * MB, of });
    vi.advanceTimersByTime(200);
    expect(written.at(-1)).toContain('2 of 4 contents, 4.0 MB of 8.0 MB checked, 2.0 MB/s, 2 s left');
    shown.pause();
    const paused = written.length;
    vi.advanceTimersByTime(2000);
    expect(written).toHaveLength(paused);
    at({ contents: 1, bytes: MB, of: { contents: 1, bytes: MB } });
    vi.advanceTimersByTime(200);
    expect(written.at(-1)).toContain('1 of 1 contents');
    shown.end();
  });
});

it('elsewhere it is a line every ten seconds, and nothing for machines', () => {
  process.stderr.isTTY = false;
  const lines = new ProgressShown(false);
  exportProgress(lines)({ phase: 'looking', items: 3 });
  const json = new ProgressShown(true);
  exportProgress(json)({ phase: 'looking', items: 4 });
  vi.advanceTimersByTime(21_000);
  expect(written).toEqual(Array.from({ length: 2 }, () => '3 pages, documents and files looked at\n'));
  lines.end();
  json.end();
});
