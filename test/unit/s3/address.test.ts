import { describe, expect, it } from 'vitest';
import { addressText, objectUrl, readS3Address } from '../../../src/s3/address.ts';

describe('the address of an object store', () => {
  it('names bucket, prefix, endpoint and region', () => {
    const address = readS3Address('s3://mirror/a/b/?endpoint=http://127.0.0.1:9000&region=eu-1');
    expect(address).toMatchObject({ bucket: 'mirror', prefix: 'a/b/', region: 'eu-1', virtualHost: false });
    expect(objectUrl(address, 'k/1').href).toBe('http://127.0.0.1:9000/mirror/a/b/k/1');
    expect(objectUrl(address, '').href).toBe('http://127.0.0.1:9000/mirror/');
    expect(addressText(address)).toBe('mirror/a/b/ at 127.0.0.1:9000');
  });

  it('is Amazon’s where no endpoint is named', () => {
    const address = readS3Address('s3://mirror?region=eu-west-1');
    expect(objectUrl(address, 'k').href).toBe('https://mirror.s3.eu-west-1.amazonaws.com/k');
  });

  it.each([
    ['https://mirror/x', /no address of a bucket/],
    ['nothing', /no address of a bucket/],
    ['s3://key:secret@mirror/', /into the environment or a file/],
    ['s3://key@mirror/', /into the environment or a file/],
    ['s3://:secret@mirror/', /into the environment or a file/],
    ['s3://UPPER_case/', /no name of a bucket/],
    ['s3://mirror/?zone=1', /no setting "zone"/],
    ['s3://mirror/?region=a%20b', /no name of a region/],
    ['s3://mirror/a%2F..%2Fb', /no prefix/],
    ['s3://mirror/a b', /no prefix/],
    ['s3://dotted.name/', /needs an endpoint/],
    ['s3://mirror/?endpoint=ftp://host', /no endpoint/],
    ['s3://mirror/?endpoint=https://host/path', /a scheme, a host and a port alone/],
    ['s3://mirror/?endpoint=https://user@host/', /a scheme, a host and a port alone/],
    ['s3://mirror/?endpoint=https://:word@host/', /a scheme, a host and a port alone/],
    ['s3://mirror/?endpoint=https://host/%3Fa', /a scheme, a host and a port alone/],
    ['s3://mirror/?endpoint=https://host/%23a', /a scheme, a host and a port alone/],
    ['s3://mirror/?endpoint=host', /no endpoint/],
  ])('%s is refused', (text, message) => {
    expect(() => readS3Address(text)).toThrow(message);
  });

  it('has no place for a key that is none', () => {
    const address = readS3Address('s3://mirror/?endpoint=http://127.0.0.1:1');
    for (const key of ['a b', '?x', 'é', 'x'.repeat(901)]) expect(() => objectUrl(address, key)).toThrow(TypeError);
  });
});
