import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { descriptorsFor, fitConnections } from '../../../src/app/descriptors.ts';

const limits = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax processes             9                    9                    processes\nMax open files            ${soft.padEnd(20)} 1048576              files\n`;

describe('connections that fit what the system lets a process open', () => {
  it.each([
    ['16384', { connections: 4096 }],
    [String(descriptorsFor(4096)), { connections: 4096 }],
    ['4096', { connections: 1792, limit: 4096 }],
    ['100', { connections: 16, limit: 100 }],
    ['unlimited', { connections: 4096 }],
  ])('with %s files', (soft, fit) => {
    expect(fitConnections(4096, limits(soft))).toEqual(fit);
  });

  it('are as many as wanted where the system does not say', () => {
    expect(fitConnections(4096, '')).toEqual({ connections: 4096 });
  });

  it.runIf(process.platform === 'linux')('are found in what this system says', () => {
    expect(readFileSync('/proc/self/limits', 'utf8')).toMatch(/^Max open files +(\d+|unlimited) /m);
  });
});
