import { Refusal } from '../../bytes/refusal.ts';
import type { Variable } from '../requirement/marker.ts';
import { platformsOf } from './platforms.ts';

/** Where something is to be installed, as the configuration names it. */
export interface EnvironmentWords {
  /** `3.12` or `3.12.4`; `t` behind it for free threads. */
  readonly python: string;
  /** A wheel's platform tag, `manylinux_2_28_x86_64`, or a short name of one, `linux`. */
  readonly platform: string;
  readonly implementation?: 'cpython' | 'pypy' | undefined;
}

/** What an installer there would judge by. */
export interface Environment {
  readonly name: string;
  readonly values: Readonly<Record<Variable, string>>;
  /** Platform tags of wheels that run there, the newest first. */
  readonly platforms: ReadonlySet<string>;
  /** True where an installer there takes this wheel for one of its own. */
  suits(filename: string): boolean;
}

const PYTHON = /^3\.([0-9]{1,3})(?:\.([0-9]{1,3}))?(t?)$/;
const IMPLEMENTATIONS = { cpython: 'CPython', pypy: 'PyPy' } as const;
/** PyPy's ABI has a name of its own, which has not changed since Python 3.7. */
const PYPY_ABI = 'pp73';

const PYTHON_RULE = 'must be a Python version such as 3.12, 3.12.4 or 3.13t';

/** Throws Refusal `format` for what is none. */
export function environmentOf(name: string, words: EnvironmentWords): Environment {
  const { implementation = 'cpython' } = words;
  const [, minor, patch = '0', threads] = PYTHON.exec(words.python) ?? [];
  const platforms = platformsOf(words.platform);
  if (minor === undefined) throw wrong(name, `python ${PYTHON_RULE}, and is "${words.python}"`);
  if (platforms === undefined) throw wrong(name, `no installer has the platform "${words.platform}"`);
  const full = `3.${minor}.${patch}`;
  const tags = tagsOf(Number(minor), implementation, threads === 't');
  return {
    name,
    values: {
      python_version: `3.${minor}`,
      python_full_version: full,
      implementation_name: implementation,
      implementation_version: full,
      platform_python_implementation: IMPLEMENTATIONS[implementation],
      platform_release: '',
      platform_version: '',
      ...platforms.values,
    },
    platforms: platforms.tags,
    suits: (filename) => {
      const [python = [], abi = [], platform = []] = compressedTags(filename);
      const isAny = platform.includes('any');
      const isOurs = platform.some((each) => platforms.tags.has(each));
      return python.some((one) => abi.some((other) => tags(one, other, isOurs, isAny)));
    },
  };
}

/** PEP 425: each of the three may name several. */
function compressedTags(filename: string): readonly (readonly string[])[] {
  const parts = filename
    .replace(/\.whl$/, '')
    .toLowerCase()
    .split('-');
  return parts.slice(-3).map((part) => part.split('.'));
}

type Takes = (python: string, abi: string, isOurs: boolean, isAny: boolean) => boolean;

function tagsOf(minor: number, implementation: 'cpython' | 'pypy', isFree: boolean): Takes {
  const own = implementation === 'cpython' ? `cp3${minor}` : `pp3${minor}`;
  const abis = new Set(implementation === 'cpython' ? [own + (isFree ? 't' : '')] : [`pypy3${minor}_${PYPY_ABI}`]);
  return (python, abi, isOurs, isAny) => {
    if (python === own && abis.has(abi)) return isOurs;
    if (python === own && abi === 'none') return isOurs || isAny;
    if (abi === 'abi3') return implementation === 'cpython' && !isFree && isOurs && upTo('cp3', python, minor, 2);
    return abi === 'none' && (isOurs || isAny) && (python === 'py3' || upTo('py3', python, minor, 0));
  };
}

function upTo(prefix: string, tag: string, most: number, least: number): boolean {
  const digits = tag.startsWith(prefix) ? tag.slice(prefix.length) : '';
  return /^[0-9]{1,3}$/.test(digits) && Number(digits) <= most && Number(digits) >= least;
}

function wrong(name: string, what: string): Refusal {
  return new Refusal('format', `The environment ${name}: ${what}.`, { subject: 'request' });
}
