// The codecs that kafkajs leaves to plugins. Its own packages for LZ4 and Zstandard compile native addons, which fails or needs
// Node's headers, so other packages are plugged in for those two. (lz4js will not do: it writes frames of dependent blocks, which
// Apache Kafka refuses.)
const { CompressionCodecs, CompressionTypes } = require('kafkajs')
const snappy = require('kafkajs-snappy')
const lz4 = require('lz4-napi')
const zstd = require('@bokuweb/zstd-wasm')

const zstdBytesMax = 64 << 20 // of a batch without its size in the frame
const zstdReady = zstd.init()

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer)
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => zstdReady.then(() => Buffer.from(zstd.compress(encoder.buffer))),
  decompress: async buffer => zstdReady.then(() => Buffer.from(zstd.decompress(buffer, { defaultHeapSize: zstdBytesMax })))
})

exports.codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}
