// Draws the sample clip: a figure in front of a wall that points up, down, left and right, one scene after the other. The
// picture moves, flickers and is noisy as a webcam's is, and every run draws the same.
//   node tools/draw-clip.mjs OUTPUT.mjpeg       CHROMIUM names the browser that encodes the pictures
import { createWriteStream } from 'node:fs';
import { argv } from 'node:process';
import { launch } from '../e2e/browser.mjs';

const SCENES = ['up', 'down', 'left', 'right'];
/** Pictures of each scene; browsers play motion-JPEG as a webcam at 30 a second. */
const PICTURES = 105;

/** Runs in the browser: the JPEG of one picture as base64. */
async function draw({ scene, picture, seed }) {
  const WALL = { up: '#3f5f96', down: '#96623f', left: '#4f8a5c', right: '#8a5486' };
  const ARM = { up: [54, -60], down: [76, 58], left: [-80, -4], right: [80, -4] };
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };

  const canvas = new OffscreenCanvas(320, 240);
  const context = canvas.getContext('2d');
  const time = picture / 30;
  const sway = { x: 9 * Math.sin(time * 2.1), y: 5 * Math.sin(time * 3.3 + 1) };

  // The wall, lit from one side, with a shelf and a picture on it.
  const light = context.createLinearGradient(0, 0, 320, 240);
  light.addColorStop(0, WALL[scene]);
  light.addColorStop(1, `color-mix(in srgb, ${WALL[scene]} 55%, black)`);
  context.fillStyle = light;
  context.fillRect(0, 0, 320, 240);
  context.fillStyle = '#e4ddc9';
  context.fillRect(22, 24, 54, 40);
  context.fillStyle = '#6d7f52';
  context.fillRect(27, 29, 44, 30);
  context.fillStyle = '#5a4632';
  context.fillRect(244, 56, 70, 7);
  for (const [x, colour] of [[252, '#b5483c'], [262, '#d9b04c'], [273, '#3c6eb5'], [285, '#e4ddc9']]) {
    context.fillStyle = colour;
    context.fillRect(x, 30, 8, 26);
  }

  // The figure: shoulders, neck, head with hair and eyes.
  context.translate(160 + sway.x, 122 + sway.y);
  const ellipse = (colour, x, y, width, height) => {
    context.fillStyle = colour;
    context.beginPath();
    context.ellipse(x, y, width, height, 0, 0, 2 * Math.PI);
    context.fill();
  };
  ellipse('#2b2f45', 0, 112, 82, 66);
  context.fillStyle = '#c99572';
  context.fillRect(-13, 22, 26, 34);
  ellipse('#3a2618', 0, -16, 38, 44);
  ellipse('#dca983', 0, -4, 32, 40);
  for (const x of [-12, 12]) ellipse('#2a1d15', x, -8, 3.4, 4.2);
  context.strokeStyle = '#8e4a3f';
  context.lineWidth = 3;
  context.beginPath();
  context.arc(0, 10, 10, 0.3, Math.PI - 0.3);
  context.stroke();

  // The arm that points: sleeve, fist and one finger.
  const [armX, armY] = ARM[scene];
  const hand = { x: armX + 6 * Math.sin(time * 4.7), y: armY + 6 * Math.cos(time * 3.9) };
  const shoulder = { x: scene === 'left' ? -62 : 62, y: 82 };
  context.lineCap = 'round';
  const limb = (colour, width, from, to) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  };
  limb('#3a3f5c', 30, shoulder, { x: (shoulder.x + hand.x) / 2, y: (shoulder.y + hand.y) / 2 });
  limb('#d19c78', 20, { x: (shoulder.x + hand.x) / 2, y: (shoulder.y + hand.y) / 2 }, hand);
  ellipse('#dca983', hand.x, hand.y, 19, 18);
  const finger = { up: [0, -36], down: [0, 38], left: [-38, 0], right: [38, 0] }[scene];
  limb('#e5b48f', 11, hand, { x: hand.x + finger[0], y: hand.y + finger[1] });

  // Noise and flicker of the sensor.
  const pixels = context.getImageData(0, 0, 320, 240);
  const flicker = 1 + 0.03 * Math.sin(time * 9);
  for (let at = 0; at < pixels.data.length; at += 4) {
    const noise = (random() - 0.5) * 14;
    for (let channel = 0; channel < 3; channel++) {
      pixels.data[at + channel] = pixels.data[at + channel] * flicker + noise;
    }
  }
  context.putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.72 });
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(',') + 1);
}

const [, , output] = argv;
if (output === undefined) throw new Error('usage: node tools/draw-clip.mjs OUTPUT.mjpeg');
const browser = await launch({});
const page = await browser.newPage();
const file = createWriteStream(output);
for (const [index, scene] of SCENES.entries()) {
  for (let picture = 0; picture < PICTURES; picture++) {
    const seed = index * PICTURES + picture + 1;
    file.write(Buffer.from(await page.evaluate(draw, { scene, picture, seed }), 'base64'));
  }
}
await new Promise((resolve) => file.end(resolve));
await browser.close();
