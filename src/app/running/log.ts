import type { Config } from '../../config/config.ts';
import { createLog, type Log } from '../../telemetry/log.ts';

export function logOf({ log }: Config): Log {
  const format = log.format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : log.format;
  // Where nobody wants colours (NO_COLOR), node says so.
  return createLog({ level: log.level, format, colours: process.stderr.isTTY && process.stderr.hasColors() });
}
