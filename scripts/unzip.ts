/** `node unzip.ts ARCHIVE NAME FILE`: one program out of a zip archive (PKWARE's APPNOTE, sections 4.3.12 and 4.3.16). */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const [STORED, DEFLATED] = [0, 8];

/** The content of the file of this name. @throws Error where it is not there, not whole, or packed in another way */
function unzip(archive: Buffer, wanted: string): Buffer {
  const end = archive.lastIndexOf(Buffer.from(Uint32Array.of(END).buffer));
  if (end === -1) throw new Error('this is no zip archive');
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== ENTRY) throw new Error('the directory of the archive is damaged');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    if (archive.toString('utf8', at + 46, at + 46 + nameLength) === wanted) return contentAt(archive, at);
    at += 46 + nameLength + extraLength + commentLength;
  }
  throw new Error(`the archive holds no ${wanted}`);
}

function contentAt(archive: Buffer, entry: number): Buffer {
  const method = archive.readUInt16LE(entry + 10);
  const checksum = archive.readUInt32LE(entry + 16);
  const size = archive.readUInt32LE(entry + 20);
  const header = archive.readUInt32LE(entry + 42);
  const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
  const packed = archive.subarray(start, start + size);
  if (method !== STORED && method !== DEFLATED)
    throw new Error(`it is packed by method ${method}, known are ${STORED} and ${DEFLATED}`);
  const content = method === STORED ? packed : inflateRawSync(packed);
  if (crc32(content) !== checksum) throw new Error('it is damaged: another checksum');
  return content;
}

const [archive, name, file] = process.argv.slice(2);
if (archive === undefined || name === undefined || file === undefined) throw new Error('give archive, name and file');
writeFileSync(file, unzip(readFileSync(archive), name));
chmodSync(file, 0o755);
