// Starts the browser for the end-to-end test.
import { chromium } from 'playwright-core';

const COMMON = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--ignore-gpu-blocklist'];

/**
 * A fresh browser with an empty profile.
 *
 * @param {{camera?: 'none' | 'refused' | {clip: string}, webgpu?: boolean}} options `clip`: the
 *   motion-JPEG file played as the webcam
 */
export function launch({ camera = 'none', webgpu = false }) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...COMMON, ...cameraArguments(camera), ...(webgpu ? WEBGPU : ['--disable-gpu'])],
  });
}

function cameraArguments(camera) {
  if (camera === 'none') return [];
  if (camera === 'refused') return ['--use-fake-device-for-media-stream', '--deny-permission-prompts'];
  return [
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${camera.clip}`,
  ];
}
