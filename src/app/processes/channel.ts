import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import type { ToSupervisor, ToWorker } from './messages.ts';

/** The hidden command that a worker runs. */
export const WORKER_COMMAND = 'worker';

/** A worker's process, as its supervisor speaks to it. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** False, and nothing is said, where it is gone; its end is told by `onEnd`. */
  send(message: ToWorker, connection?: Socket): boolean;
  kill(signal: NodeJS.Signals): void;
}

interface WorkerEvents {
  onMessage(message: ToSupervisor): void;
  /** Once, when the process is gone. `how`: by which signal, or with which status. */
  onEnd(how: string): void;
}

/** Starts this program once more, as a worker. */
export function startProcess({ onMessage, onEnd }: WorkerEvents): WorkerProcess {
  const [, main = ''] = process.argv;
  const child = fork(main, [WORKER_COMMAND], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', (message) => onMessage(message as ToSupervisor));
  let isOver = false;
  const end = (how: string) => {
    if (isOver) return;
    isOver = true;
    onEnd(how);
  };
  child.once('exit', (status, signal) => end(signal ?? `status ${status}`));
  child.on('error', (error) => {
    // One that was never started has no exit.
    if (child.pid === undefined) end(error.message);
  });
  return {
    pid: child.pid,
    send: (message, connection) => sendTo(child, message, connection),
    kill: (signal) => child.kill(signal),
  };
}

function sendTo(child: ChildProcess, message: ToWorker, connection: Socket | undefined): boolean {
  if (!child.connected) return false;
  // Kept open here until the worker says that it has it: where it ends before, another is given it.
  child.send(message, connection, { keepOpen: true }, () => undefined);
  return true;
}

/** The supervisor, as a worker speaks to it. */
export interface SupervisorChannel {
  /** False where it is gone. */
  send(message: ToSupervisor): boolean;
  close(): void;
}

interface SupervisorEvents {
  onMessage(message: ToWorker, connection: Socket | undefined): void;
  /** The supervisor is gone. */
  onGone(): void;
}

/** Undefined where this process was not started by a supervisor. */
export function openChannel({ onMessage, onGone }: SupervisorEvents): SupervisorChannel | undefined {
  if (process.send === undefined) return undefined;
  process.on('message', (message, handle) =>
    onMessage(message as ToWorker, handle instanceof Socket ? handle : undefined),
  );
  process.once('disconnect', onGone);
  return {
    send(message) {
      if (!process.connected) return false;
      process.send?.(message, undefined, {}, () => undefined);
      return true;
    },
    close() {
      if (process.connected) process.disconnect();
    },
  };
}
