import type { Progress } from '../../bundle/export/export.ts';
import type { OnProgress } from '../../bundle/import/stage.ts';
import { megabytes, type ProgressShown, rateParts } from './progress.ts';

type Showing = Pick<ProgressShown, 'begin'>;

/** How far an export has come: what it looked at, and then what it wrote. */
export function exportProgress(shown: Showing): (progress: Progress) => void {
  let now: Progress | undefined;
  return (progress) => {
    const isNext = progress.phase !== now?.phase;
    now = progress;
    if (isNext) shown.begin({ line: (seconds) => (now === undefined ? '' : exportLine(now, seconds)) });
  };
}

function exportLine(progress: Progress, seconds: number): string {
  if (progress.phase === 'looking') return `${progress.items} pages, documents and files looked at`;
  const { bytes, of } = progress;
  return [
    `${megabytes(bytes)} of ${megabytes(of)} written`,
    ...rateParts({ moved: bytes, left: of - bytes, seconds }),
  ].join(', ');
}

/** How far an import has come with what the bundle carries; a bundle begins where its count does. */
export function importProgress(shown: Showing): OnProgress {
  let now: Parameters<OnProgress>[0] | undefined;
  return (progress) => {
    const isNext = progress.contents <= (now?.contents ?? progress.contents);
    now = progress;
    if (isNext) shown.begin({ line: (seconds) => (now === undefined ? '' : importLine(now, seconds)) });
  };
}

function importLine({ contents, bytes, of }: Parameters<OnProgress>[0], seconds: number): string {
  return [
    `${contents} of ${of.contents} contents`,
    `${megabytes(bytes)} of ${megabytes(of.bytes)} checked`,
    ...rateParts({ moved: bytes, left: of.bytes - bytes, seconds }),
  ].join(', ');
}
