import type { Variable } from '../requirement/marker.ts';

type PlatformVariable = Extract<Variable, 'os_name' | 'sys_platform' | 'platform_system' | 'platform_machine'>;

interface Platform {
  /** Of wheels that run there. */
  readonly tags: ReadonlySet<string>;
  readonly values: Readonly<Record<PlatformVariable, string>>;
}

/** What people say for the platform that most machines are. */
const SHORT: Readonly<Record<string, string>> = {
  linux: 'manylinux_2_28_x86_64',
  macos: 'macosx_14_0_arm64',
  windows: 'win_amd64',
};

/** PEP 600: the names that some had before. */
const LEGACY: Readonly<Record<number, string>> = { 5: 'manylinux1', 12: 'manylinux2010', 17: 'manylinux2014' };
/** The oldest C library that there are wheels for. */
const OLDEST_GLIBC: Readonly<Record<string, number>> = { x86_64: 5, i686: 5 };
const OTHER_GLIBC = 17;
/** A number of a tag that is counted down from. */
const MOST = 200;

/** The platform of a wheel's platform tag, and what runs on it besides. Undefined for what is none. */
export function platformsOf(name: string): Platform | undefined {
  const tag = SHORT[name] ?? name;
  const [, kind = '', major = '', minor = '', arch = ''] =
    /^(manylinux|musllinux|macosx)_([0-9]{1,3})_([0-9]{1,3})_([a-z0-9_]{2,20})$/.exec(tag) ?? [];
  const [one, other] = [Number(major), Number(minor)];
  if (one > MOST || other > MOST) return undefined;
  switch (kind) {
    case 'manylinux':
      return one === 2 ? linux(arch, glibcTags(other, arch)) : undefined;
    case 'musllinux':
      return one === 1
        ? linux(
            arch,
            down(other, 0, (at) => [`musllinux_1_${at}_${arch}`]),
          )
        : undefined;
    case 'macosx':
      return arch === 'arm64' || arch === 'x86_64' ? macos(one, other, arch) : undefined;
    default:
      return windows(tag) ?? plainLinux(tag);
  }
}

function linux(arch: string, tags: readonly string[]): Platform {
  return {
    tags: new Set([...tags, `linux_${arch}`]),
    values: { os_name: 'posix', sys_platform: 'linux', platform_system: 'Linux', platform_machine: arch },
  };
}

/** Wheels that were built on such a machine, and for no other. */
function plainLinux(tag: string): Platform | undefined {
  const [, arch] = /^linux_([a-z0-9_]{2,20})$/.exec(tag) ?? [];
  return arch === undefined ? undefined : linux(arch, []);
}

function glibcTags(minor: number, arch: string): readonly string[] {
  return down(minor, OLDEST_GLIBC[arch] ?? OTHER_GLIBC, (at) => {
    const former = LEGACY[at];
    return [`manylinux_2_${at}_${arch}`, ...(former === undefined ? [] : [`${former}_${arch}`])];
  });
}

function macos(major: number, minor: number, arch: string): Platform {
  const kinds =
    arch === 'arm64' ? ['arm64', 'universal2'] : ['x86_64', 'intel', 'fat64', 'fat3', 'universal2', 'universal'];
  const former = arch === 'arm64' ? ['universal2'] : kinds;
  const newer = major >= 11 ? down(major, 11, (at) => kinds.map((kind) => `macosx_${at}_0_${kind}`)) : [];
  const from = major >= 11 ? 16 : minor;
  return {
    tags: new Set([...newer, ...down(from, 0, (at) => former.map((kind) => `macosx_10_${at}_${kind}`))]),
    values: { os_name: 'posix', sys_platform: 'darwin', platform_system: 'Darwin', platform_machine: arch },
  };
}

const MACHINES: Readonly<Record<string, string>> = { win_amd64: 'AMD64', win32: 'x86', win_arm64: 'ARM64' };

function windows(tag: string): Platform | undefined {
  const machine = MACHINES[tag];
  if (machine === undefined) return undefined;
  return {
    tags: new Set([tag]),
    values: { os_name: 'nt', sys_platform: 'win32', platform_system: 'Windows', platform_machine: machine },
  };
}

function down(from: number, to: number, make: (at: number) => readonly string[]): readonly string[] {
  const made: string[] = [];
  for (let at = from; at >= to; at--) made.push(...make(at));
  return made;
}
