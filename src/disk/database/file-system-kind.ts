import { Refusal } from '../../bytes/refusal.ts';
import type { FileOps } from '../file-ops.ts';

/** File systems of several machines, by statfs(2)'s number: their locks and their caches are not those of one machine's own disk. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
]);
/** May be anything, one machine's own disk or not: only the operator knows. */
const FUSE = 0x65735546;

/** Throws Refusal `state` where a data directory lies on a file system that other machines may share. */
export async function checkFileSystem(ops: FileOps, root: string, allowFuse: boolean): Promise<void> {
  const type = (await ops.fileSystem(root)) >>> 0;
  const network = NETWORK.get(type);
  if (network !== undefined)
    throw refuse(
      `The data directory ${root} lies on a network file system (${network}), whose locks do not keep several machines apart. Use one machine's own disk.`,
    );
  if (type === FUSE && !allowFuse)
    throw refuse(
      `The data directory ${root} lies on a FUSE file system, which may be one that several machines share. Use one machine's own disk, or say that this is one: allow_fuse: true.`,
    );
}

function refuse(message: string): Refusal {
  return new Refusal('state', message, { subject: 'state' });
}
