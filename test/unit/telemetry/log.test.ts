import { describe, expect, it } from 'vitest';
import { clean, MOST_CHARACTERS } from '../../../src/bytes/printable.ts';
import { createLog, type LogOptions } from '../../../src/telemetry/log.ts';
import { growth } from '../../support/cpu.ts';

function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'json', sink: { write: (line) => lines.push(line) }, ...options });
  return { log, lines, first: (): unknown => JSON.parse(lines[0] ?? 'null') };
}

describe('a log line', () => {
  it('is one JSON object with level, time and message', () => {
    const { log, first } = recorded();
    log.warn('refused', { index: 'main', reason: 'digest', count: 2, absent: undefined });
    expect(first()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      message: 'refused',
      index: 'main',
      reason: 'digest',
      count: 2,
    });
  });

  it('stays one line whatever is in it', () => {
    for (const format of ['json', 'text'] as const) {
      const { log, lines } = recorded({ format });
      log.info('a\r\nb\u2028c\u0085d', { name: 'x\n{"level":"error"}\u001b[31m\u009b31m\u202e' });
      expect(lines).toHaveLength(1);
      expect(lines[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
      expect(lines[0]?.endsWith('\n')).toBe(true);
    }
  });

  it('caps a field of a megabyte, and the number of fields', () => {
    const { log, lines } = recorded();
    log.info('x'.repeat(1e6), Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`f${at}`, 'y'.repeat(1e6)])));
    expect(lines[0]?.length).toBeLessThan(26 * (MOST_CHARACTERS + 20));
  });

  it('is left out below the level', () => {
    const { log, lines } = recorded({ level: 'warn' });
    log.info('unseen');
    expect(lines).toEqual([]);
  });

  it('never throws, and counts what it lost', () => {
    const log = createLog({
      level: 'info',
      format: 'json',
      sink: {
        write: () => {
          throw new Error('no space left');
        },
      },
    });
    log.info('x');
    expect(log.dropped()).toBe(1);
  });

  it('is text for a person', () => {
    const { log, lines } = recorded({ format: 'text' });
    log.warn('refused: the wheel', { name: 'a b', reason: 'digest', event: 'rejected' });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}refused: the wheel {2}name="a b" reason=digest\n$/);
  });
});

describe('a line for a terminal with colours', () => {
  it('has them around its own words alone, and nothing from outside makes any', () => {
    const { log, lines } = recorded({ format: 'text', colours: true });
    log.error('refused \u001b[31mred', { name: '\u001b[2J' });
    const [line = ''] = lines;
    expect(line).toContain('\u001b[31merror\u001b[0m refused ·[31mred');
    expect(line.match(/\u001b\[\d+m/g)).toHaveLength(6);
    expect(line).not.toContain('\u001b[2J');
  });
});

describe('credentials', () => {
  it.each([
    ['GET https://user:hunter2@x.example/a', 'GET https://***@x.example/a'],
    ['https://hunter2@x.example/', 'https://***@x.example/'],
    ['https://us@er:hunter2@x.example/', 'https://***@x.example/'],
    ['HTTP://u:hunter2@x.example', 'HTTP://***@x.example'],
    ['redis://:hunter2@cache:6379/0', 'redis://***@cache:6379/0'],
    ['https://x.example/a?X-Amz-Signature=hunter2&b=1', 'https://x.example/a?X-Amz-Signature=***&b=1'],
    ['https://x.example/a?b=1&access_token=hunter2#c', 'https://x.example/a?b=1&access_token=***#c'],
    ['authorization: Basic aHVudGVyMg==', 'authorization: Basic ***'],
    ['Bearer hunter2hunter2', 'Bearer ***'],
  ])('%s', (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  it.each([
    'mail a@b.example about https://x.example/',
    'https://x.example/simple/@scope',
    'https://x.example/?q=1#a@b',
    'basic tests',
  ])('leaves alone: %s', (text) => {
    expect(clean(text)).toBe(text);
  });

  it('takes no longer for text made to be slow', () => {
    const hostile = (size: number) => [
      'a'.repeat(size),
      'a://'.repeat(size / 4),
      `a://${'@'.repeat(size)}`,
      `?${'token'.repeat(size / 5)}`,
      '?'.repeat(size),
    ];
    const work = (size: number) => {
      for (const text of hostile(size)) clean(text);
    };
    expect(growth(work, 40_000)).toBeLessThan(40);
  });
});
