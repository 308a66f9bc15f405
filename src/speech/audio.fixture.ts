/** Sound without sound, made byte by byte: silent MP3 and Opus in Ogg that players take, of a length that is known. */

/** MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, stereo: each frame is 1,152 samples of silence. */
export function silentMp3(frames: number, options: { readonly tag?: boolean; readonly index?: boolean } = {}): Buffer {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x00]);
  const index = Buffer.from(frame);
  index.write("Xing", 36, "latin1");
  const id3 = Buffer.alloc(30);
  id3.set([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 20]);
  const v1 = Buffer.alloc(128);
  v1.write("TAG", "latin1");
  return Buffer.concat([
    ...(options.tag === true ? [id3] : []),
    ...(options.index === true ? [index] : []),
    ...Array.from({ length: frames }, () => frame),
    ...(options.tag === true ? [v1] : []),
  ]);
}

/** Packets of 20 ms, ten to a page; the first 312 samples are the codec's own and are not played. */
export function silentOpus(packets: number): Buffer {
  const head = Buffer.from("OpusHead\x01\x01\0\0\0\0\0\0\0\0\0", "latin1");
  head.writeUInt16LE(preSkip, 10);
  head.writeUInt32LE(48_000, 12);
  const tags = Buffer.from("OpusTags\x04\0\0\0test\0\0\0\0", "latin1");
  const pages = [
    page([head], { granule: 0, sequence: 0, flags: 2 }),
    page([tags], { granule: 0, sequence: 1, flags: 0 }),
  ];
  // CELT, full band, 20 ms, mono; an empty frame is silence.
  const packet = Buffer.from([0xf8]);
  for (let sent = 0; sent < packets; sent += 10) {
    const many = Math.min(10, packets - sent);
    const isLast = sent + many === packets;
    const granule = preSkip + (sent + many) * 960;
    pages.push(
      page(
        Array.from({ length: many }, () => packet),
        { granule, sequence: pages.length, flags: isLast ? 4 : 0 },
      ),
    );
  }
  return Buffer.concat(pages);
}

const preSkip = 312;

interface PageFacts {
  readonly granule: number;
  readonly sequence: number;
  readonly flags: number;
}

function page(packets: readonly Buffer[], { granule, sequence, flags }: PageFacts): Buffer {
  const header = Buffer.alloc(27 + packets.length);
  header.write("OggS", "latin1");
  header[5] = flags;
  header.writeBigInt64LE(BigInt(granule), 6);
  header.writeUInt32LE(7, 14);
  header.writeUInt32LE(sequence, 18);
  header[26] = packets.length;
  packets.forEach((packet, index) => (header[27 + index] = packet.length));
  const whole = Buffer.concat([header, ...packets]);
  whole.writeUInt32LE(checksum(whole), 22);
  return whole;
}

/** CRC-32 of Ogg: polynomial 0x04c11db7, not reflected, from zero. */
function checksum(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x80000000) === 0 ? crc << 1 : (crc << 1) ^ 0x04c11db7;
  }
  return crc >>> 0;
}
