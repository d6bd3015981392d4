import { secretVariable } from '../../config/environment.ts';
import type { RedisConfig, RedisLoginConfig } from '../../config/redis.ts';
import type { RedisLogin, RedisOptions, RedisPlace } from '../../redis/options.ts';
import { readGiven } from '../given-file.ts';
import { noPassword } from '../passwords.ts';

/** Throws Refusal `state` where a password or an authority cannot be read. */
export function connectionOf(redis: RedisConfig): RedisOptions {
  const { tls } = redis;
  return {
    place: placeOf(redis),
    login: loginOf(redis.login),
    tls: tls && {
      ca: tls.ca === undefined ? undefined : readGiven(tls.ca, 'redis.tls.ca'),
      serverName: tls.serverName,
    },
  };
}

function placeOf({ place }: RedisConfig): RedisPlace {
  return place.mode === 'sentinel' ? { ...place, login: loginOf(place.login) } : place;
}

/** Read now, so that the start says what is not there, and again at each connection. */
function loginOf({ username, password }: RedisLoginConfig): RedisLogin {
  if (password === undefined) return { username, password: () => undefined };
  const { file, variable = '' } = password;
  const read = () =>
    (file === undefined ? secretVariable(variable) : readGiven(file, 'redis.password_file').toString())?.trim();
  let held = read();
  if (held === undefined || held === '') throw noPassword(file ?? `the variable ${variable}`);
  return {
    username,
    password() {
      try {
        // One that is being written is empty for a moment, or not there.
        held = read() || held;
      } catch {
        return held;
      }
      return held;
    },
  };
}
