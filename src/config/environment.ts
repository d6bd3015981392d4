import { devNull } from 'node:os';

/** Settings of pip's and of proxies, which could send an installer somewhere else. */
const ELSEWHERE = /^PIP_|_proxy$/i;

/** The variable of this name, for a secret that the configuration says is there. */
export function secretVariable(name: string): string | undefined {
  return process.env[name];
}

/** The environment for an installer that is to ask nobody but the index named on its command line. */
export function installerEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ELSEWHERE.test(name));
  return { ...Object.fromEntries(kept), PIP_CONFIG_FILE: devNull, PIP_ROOT_USER_ACTION: 'ignore', NO_COLOR: '1' };
}

/** What installers of this user read of the environment: their own settings, and where their files are looked for. */
export function installerSettings(): ReadonlyMap<string, string> {
  const read = /^(?:PIP_|UV_)|^(?:HOME|VIRTUAL_ENV|XDG_CONFIG_HOME|XDG_CONFIG_DIRS|APPDATA)$/;
  return new Map(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && read.test(name) ? [[name, value]] : [],
    ),
  );
}
