import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { inUtf8 } from '../../../src/pypi/charset.ts';

const TEXT = '<a href="x">Ünïcödé</a>';
const latin1 = Buffer.from(TEXT, 'latin1');
const utf16le = Buffer.from(TEXT, 'utf16le');
const utf16be = Buffer.from(utf16le).swap16();
const utf8 = Buffer.from(TEXT);
const html = (charset: string) => `text/html; charset=${charset}`;
const reasonOf = (run: () => unknown) => {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Refusal ? error.reason : error;
  }
};

describe('a page stated in a charset', () => {
  it.each([
    ['ISO-8859-1', latin1, 'windows-1252'],
    ['"latin1"', latin1, 'windows-1252'],
    ['windows-1252', latin1, 'windows-1252'],
    ['utf-16', utf16le, 'utf-16le'],
    ['utf-16be', utf16be, 'utf-16be'],
    // Stated wrongly, it is taken at its word, as installers take it; a byte order mark says more.
    ['utf-8', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16le]), 'utf-16le'],
    ['iso-8859-1', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be]), 'utf-16be'],
  ])('%s is read in it', (label, bytes, charset) => {
    const read = inUtf8(bytes, html(label), 1000);
    expect(read.charset).toBe(charset);
    expect(Buffer.from(read.bytes).toString()).toBe(TEXT);
  });

  it.each(['utf-8', 'UTF8', 'us-ascii', 'none-such', ''])('%s that is UTF-8 stays as it is', (label) => {
    expect(inUtf8(utf8, html(label), 1000)).toEqual({ bytes: utf8, charset: undefined });
  });

  it('that is ASCII stays as it is, whatever it is stated in', () => {
    const ascii = Buffer.from('<a href="x">');
    expect(inUtf8(ascii, html('iso-8859-1'), 1000).bytes).toBe(ascii);
    expect(inUtf8(ascii, 'text/html', 1000).charset).toBeUndefined();
  });

  it('by HTML alone is read in it where it is not UTF-8', () => {
    const page = Buffer.from(`<html><meta charset="iso-8859-1">${TEXT}`, 'latin1');
    expect(Buffer.from(inUtf8(page, 'text/html', 1000).bytes).toString()).toContain(TEXT);
    const old = Buffer.from(`<META http-equiv=Content-Type content="text/html; charset=koi8-r">${TEXT}`, 'latin1');
    expect(inUtf8(old, 'text/html', 1000).charset).toBe('koi8-r');
  });

  it.each([
    ['text/html; charset=utf-16be', Buffer.concat([utf16be, Buffer.from([0xd8, 0x00])])],
    ['text/html; charset=shift_jis', Buffer.from([0x3c, 0x81, 0xff])],
  ])('%s that is not well-formed in it is refused', (contentType, bytes) => {
    expect(reasonOf(() => inUtf8(bytes, contentType, 1000))).toBe('format');
  });

  it.each(['utf-7', 'x-user-defined'])('%s that is not known is refused, and said to be not known', (charset) => {
    const message = expect.stringContaining('a charset that is not known here');
    expect(() => inUtf8(latin1, html(charset), 1000)).toThrow(expect.objectContaining({ reason: 'format', message }));
  });

  it('is bounded in UTF-8', () => {
    expect(inUtf8(latin1, html('latin1'), utf8.byteLength).bytes.byteLength).toBe(utf8.byteLength);
    expect(reasonOf(() => inUtf8(latin1, html('latin1'), utf8.byteLength - 1))).toBe('limit');
  });
});
