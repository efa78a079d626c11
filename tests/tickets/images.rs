//! A code as a picture: PNG and SVG, as large and as coloured as asked for.

use std::collections::HashSet;

use serde_json::json;

use super::{Holder, PICTURES, fetch, give_free, path, picture, step};
use crate::support::sale::Shop;
use crate::support::{Client, TestApp, on_both};

/// Every colour of a PNG, and the one in its corner.
async fn colours(client: &Client, path: &str) -> (HashSet<[u8; 3]>, [u8; 3]) {
    let png = image::load_from_memory(&fetch(client, path).await).unwrap();
    let pixels = png.to_rgb8();
    (
        pixels.pixels().map(|pixel| pixel.0).collect(),
        pixels.get_pixel(0, 0).0,
    )
}

async fn size(client: &Client, path: &str) -> (u32, u32) {
    let png = image::load_from_memory(&fetch(client, path).await).unwrap();
    (png.width(), png.height())
}

/// A picture's path with these parameters.
fn with(holder: &Holder, picture: &str, query: &str) -> String {
    let separator = if picture.contains('?') { '&' } else { '?' };
    format!("{}/{picture}{separator}{query}", path(&holder.ticket))
}

on_both! {
    async fn a_picture_says_what_the_code_says(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        for way in PICTURES {
            let plain = fetch(&holder.guest, &format!("{}/{way}", path(&holder.ticket))).await;
            let seen = picture::read(&plain);
            assert_eq!((&seen.text, seen.ecc), (&holder.code, 'M'), "{way}");
            assert!(seen.version <= 8, "{way}: version {}", seen.version);
            for (query, ecc) in [
                ("size=300", 'M'), ("size=400&ecc=L&margin=0", 'L'), ("size=500&ecc=Q&margin=16", 'Q'),
                ("size=500&ecc=H&margin=2", 'H'), ("size=300&dark=036&light=ffe", 'M'),
                ("size=300&dark=8B0000&light=F0F0FF", 'M'),
            ] {
                let seen = picture::read(&fetch(&holder.guest, &with(&holder, way, query)).await);
                assert_eq!((&seen.text, seen.ecc), (&holder.code, ecc), "{way} {query}");
            }
        }
    }

    async fn a_picture_is_as_large_as_asked_for(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let guest = &holder.guest;
        let plain = format!("{}/qr.png", path(&holder.ticket));
        assert_eq!(size(guest, &plain).await, (200, 200));
        for side in [64, 65, 333, 2048] {
            let asked = with(&holder, "qr.png", &format!("size={side}"));
            assert_eq!(size(guest, &asked).await, (side, side));
        }
    }

    async fn a_picture_has_the_colours_asked_for(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let guest = &holder.guest;
        let (all, corner) = colours(guest, &with(&holder, "qr.png", "size=300")).await;
        assert!(all.contains(&[0, 0, 0]));
        assert_eq!(corner, [255, 255, 255]);
        let query = "size=300&dark=c00&light=ffffee";
        let (all, corner) = colours(guest, &with(&holder, "qr.png", query)).await;
        assert!(all.contains(&[0xcc, 0, 0]) && !all.contains(&[0, 0, 0]));
        assert_eq!(corner, [0xff, 0xff, 0xee]);
        // Without a margin the corner is the code's own, where its modules fill the picture.
        let modules = 4 * u32::try_from(picture::read(&fetch(guest, &with(&holder, "qr.png", query)).await).version).unwrap() + 17;
        let query = format!("size={}&dark=c00&light=ffffee&margin=0", 4 * modules);
        let (_, corner) = colours(guest, &with(&holder, "qr.png", &query)).await;
        assert_eq!(corner, [0xcc, 0, 0]);
    }

    async fn odd_parameters_are_refused(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        for way in PICTURES {
            for query in [
                "size=63", "size=2049", "size=0", "size=-200", "size=200.5", "size=1e3", "size=", "size=huge",
                "size=99999999999999999999", "ecc=X", "ecc=", "ecc=LM", "margin=17", "margin=-1", "margin=x",
                "dark=12", "dark=1234", "dark=12345", "dark=1234567", "dark=%23000", "dark=red", "dark=ggg",
                "light=", "light=url(x)", "light=%22/%3E%3Cscript%3E", "light=%D9%A1%D9%A1%D9%A1",
            ] {
                let refused = holder.guest.get(&with(&holder, way, query)).await;
                refused.expect_problem(422, "qr_parameters_invalid");
            }
            let unknown = holder.guest.get(&with(&holder, way, "colour=000")).await;
            assert_eq!(unknown.expect(422).header("content-type"), Some("application/problem+json"));
        }
        let other = format!("{}/qr/image?format=gif", path(&holder.ticket));
        holder.guest.get(&other).await.expect_problem(422, "qr_parameters_invalid");
    }

    async fn a_picture_that_is_known_is_not_sent_again(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let guest = &holder.guest;
        for way in ["qr.png", "qr.svg"] {
            let known = with(&holder, way, "size=300");
            let first = guest.get(&known).await;
            let tag = first.expect(200).header("etag").unwrap().to_owned();
            let cache = first.header("cache-control").unwrap_or_default();
            assert!(!cache.contains("public"), "{cache}");
            assert_eq!(first.header("x-content-type-options"), Some("nosniff"));
            assert!(first.header("content-security-policy").is_some());
            let ask = async |path: &str| {
                guest.send(guest.request("GET", path).header("If-None-Match", &tag)).await.status
            };
            assert_eq!(ask(&known).await, 304, "{way}");
            assert_eq!(ask(&with(&holder, way, "size=301")).await, 200, "{way}");
            assert_eq!(ask(&with(&holder, way, "size=300&ecc=H")).await, 200, "{way}");
            // What it said is revoked.
            step(guest, &holder.ticket, "reissue", json!({})).await.expect(200);
            assert_eq!(ask(&known).await, 200, "{way}");
        }
    }
}
