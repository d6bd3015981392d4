import { digestHex } from '../repository/digests.ts';
import { filePath, type IndexFile } from '../repository/index-pages.ts';
import { makeWheel } from '../repository/make-wheel.ts';
import type { Narrator } from './narrate.ts';
import type { PipRun } from './pip.ts';
import type { Installer } from './plain-installer.ts';
import type { Answer, Downstream, Upstream } from './stage.ts';
import { type Cast, indexFile, type Release } from './wheels.ts';

/** Everything an act of the demo works with. */
export interface Scene extends Upstream {
  readonly cast: Cast;
  readonly file: (release: Release) => IndexFile;
  readonly downstream: Downstream;
  readonly installer: Installer;
  readonly narrator: Narrator;
  /** Where Verbatim serves a file. */
  readonly fileUrl: (file: IndexFile) => string;
}

export function createScene(parts: Omit<Scene, 'fileUrl'>): Scene {
  return { ...parts, fileUrl: (file) => `${parts.downstream.mirror.url}/${filePath(file)}` };
}

/** The SHA-256 by which a downloaded file is known to be the genuine one. */
export function proofOf({ bytes }: IndexFile): string {
  return digestHex('sha256', bytes);
}

/** A wheel of the attacker's, under a name of his choice. */
export function evilWheel(release: Release, filename?: string): Promise<IndexFile> {
  const made = makeWheel({ ...release, filename, summary: 'Not what you think it is', requiresPython: '>=3.6' });
  return indexFile(made.filename, made.bytes);
}

export function showPip({ narrator, installer }: Scene, { said }: PipRun): void {
  narrator.fact(installer.name, said);
}

export function showAnswer({ narrator }: Scene, { line }: Answer): void {
  narrator.fact('Verbatim', line);
}

export function says({ line, reason }: Answer): string {
  return `${line}${reason === undefined ? '' : ` [${reason}]`}`;
}
