//! Draws egui's triangles without a GPU, the same on every machine.

use std::collections::HashMap;

use eframe::egui;
use egui::epaint::{Primitive, Vertex};
use egui::{ColorImage, ImageData, TextureId, TexturesDelta};
use image::{Rgba, RgbaImage};

/// Keeps the textures between frames.
#[derive(Default)]
pub(crate) struct CpuRenderer {
    textures: HashMap<TextureId, ColorImage>,
}

impl egui_kittest::TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, images) in delta.set.drain() {
            for part in images {
                let ImageData::Color(image) = &part.image;
                let Some([x0, y0]) = part.pos else {
                    self.textures.insert(id, (**image).clone());
                    continue;
                };
                let texture = self
                    .textures
                    .get_mut(&id)
                    .expect("a part belongs to a known texture");
                for y in 0..image.size[1] {
                    for x in 0..image.size[0] {
                        texture[(x0 + x, y0 + y)] = image[(x, y)];
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(
        &mut self,
        ctx: &egui::Context,
        output: &egui::FullOutput,
    ) -> Result<RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let mut canvas = Canvas::new(size.x.round() as usize, size.y.round() as usize);
        for clipped in ctx.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = &clipped.primitive else {
                continue;
            };
            let texture = self
                .textures
                .get(&mesh.texture_id)
                .ok_or("a mesh names an unknown texture")?;
            let clip = canvas.clip(clipped.clip_rect * scale);
            for corners in mesh.indices.chunks_exact(3) {
                let mut corners = [0, 1, 2].map(|i| mesh.vertices[corners[i] as usize]);
                for corner in &mut corners {
                    corner.pos = (corner.pos.to_vec2() * scale).to_pos2();
                }
                canvas.triangle(clip, corners, texture);
            }
        }
        Ok(canvas.into_image())
    }
}

/// Premultiplied colours, 0 to 1.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0.0; 4]; width * height],
        }
    }

    /// Left, top, right, bottom in whole pixels inside the canvas.
    fn clip(&self, rect: egui::Rect) -> [i32; 4] {
        let inside = |value: f32, size: usize| value.round().clamp(0.0, size as f32) as i32;
        [
            inside(rect.min.x, self.width),
            inside(rect.min.y, self.height),
            inside(rect.max.x, self.width),
            inside(rect.max.y, self.height),
        ]
    }

    /// Fills the pixels whose centres lie inside, by edge functions with the top-left rule.
    fn triangle(&mut self, clip: [i32; 4], mut v: [Vertex; 3], texture: &ColorImage) {
        let edge = |a: egui::Pos2, b: egui::Pos2, p: egui::Pos2| {
            f64::from(b.x - a.x) * f64::from(p.y - a.y)
                - f64::from(b.y - a.y) * f64::from(p.x - a.x)
        };
        let mut area = edge(v[0].pos, v[1].pos, v[2].pos);
        if area == 0.0 {
            return;
        }
        if area < 0.0 {
            v.swap(1, 2);
            area = -area;
        }
        let is_top_left = |a: egui::Pos2, b: egui::Pos2| (a.y == b.y && b.x > a.x) || b.y < a.y;
        let owns = [
            is_top_left(v[1].pos, v[2].pos),
            is_top_left(v[2].pos, v[0].pos),
            is_top_left(v[0].pos, v[1].pos),
        ];
        let span = |pick: fn(&Vertex) -> f32| {
            let low = v.iter().map(pick).fold(f32::MAX, f32::min).floor() as i32;
            (
                low,
                v.iter().map(pick).fold(f32::MIN, f32::max).ceil() as i32,
            )
        };
        let ((left, right), (top, bottom)) = (span(|v| v.pos.x), span(|v| v.pos.y));
        let colors = v.map(|corner| corner.color.to_array().map(|c| f32::from(c) / 255.0));
        for y in top.max(clip[1])..bottom.min(clip[3]) {
            for x in left.max(clip[0])..right.min(clip[2]) {
                let p = egui::pos2(x as f32 + 0.5, y as f32 + 0.5);
                let e = [
                    edge(v[1].pos, v[2].pos, p),
                    edge(v[2].pos, v[0].pos, p),
                    edge(v[0].pos, v[1].pos, p),
                ];
                if (0..3).any(|i| e[i] < 0.0 || (e[i] == 0.0 && !owns[i])) {
                    continue;
                }
                let weight = e.map(|e| (e / area) as f32);
                let mix = |pick: &dyn Fn(usize) -> f32| {
                    weight[0] * pick(0) + weight[1] * pick(1) + weight[2] * pick(2)
                };
                let texel = sample(texture, mix(&|i| v[i].uv.x), mix(&|i| v[i].uv.y));
                let source: [f32; 4] = std::array::from_fn(|k| mix(&|i| colors[i][k]) * texel[k]);
                let target = &mut self.pixels[y as usize * self.width + x as usize];
                for k in 0..4 {
                    target[k] = source[k] + target[k] * (1.0 - source[3]);
                }
            }
        }
    }

    fn into_image(self) -> RgbaImage {
        RgbaImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let p = self.pixels[y as usize * self.width + x as usize];
            let straight = |c: f32| {
                if p[3] > 0.0 {
                    (c / p[3] * 255.0).round().clamp(0.0, 255.0) as u8
                } else {
                    0
                }
            };
            Rgba([
                straight(p[0]),
                straight(p[1]),
                straight(p[2]),
                (p[3] * 255.0).round() as u8,
            ])
        })
    }
}

/// Bilinear, clamped at the edges.
fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let mut out = [0.0; 4];
    for (dx, dy, weight) in [
        (0.0, 0.0, (1.0 - fx) * (1.0 - fy)),
        (1.0, 0.0, fx * (1.0 - fy)),
        (0.0, 1.0, (1.0 - fx) * fy),
        (1.0, 1.0, fx * fy),
    ] {
        if weight > 0.0 {
            let at = |value: f32, size: usize| value.clamp(0.0, size as f32 - 1.0) as usize;
            let texel = texture[(at(x.floor() + dx, width), at(y.floor() + dy, height))];
            for (sum, channel) in out.iter_mut().zip(texel.to_array()) {
                *sum += weight * f32::from(channel) / 255.0;
            }
        }
    }
    out
}
