//! The API's document: complete, and true where a test can tell.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;

use super::bench::Bench;
use crate::api::problem_type::ProblemType;
use crate::api::{Source, openapi};

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

/// Each call as method and path, a path's `{…}` filled in.
fn calls() -> Vec<(Method, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let filled = path.replace("{id}", "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11").replace(['{', '}'], "");
        let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase().parse().unwrap());
        methods.map(move |method| (method, filled.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn the_document_is_served_as_it_is_printed() {
    let answer = Bench::new(Source::Tcp).get("/api/openapi.json").await;
    assert_eq!(
        (answer.status, &answer.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    assert_eq!(answer.body, document());
    assert_eq!(answer.text("/openapi"), "3.1.0");
}

#[tokio::test]
async fn a_parameter_that_a_call_does_not_know_is_refused_by_every_call() {
    let bench = Bench::new(Source::Tcp);
    for (method, path) in calls() {
        let request = Request::builder().method(method.clone()).uri(format!("{path}?nonsense=1"));
        let answer = bench.call(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem(), "invalid-query", "{method} {path}");
        assert_eq!(answer.text("/detail"), "unknown parameter `nonsense`", "{method} {path}");
    }
}

#[tokio::test]
async fn a_call_that_changes_something_takes_an_idempotency_key_or_refuses_it() {
    let bench = Bench::new(Source::Tcp);
    let document = document();
    let mut taken = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "get") {
            let parameters = call["parameters"].as_array().into_iter().flatten();
            if parameters.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key") {
                taken.push(path.as_str());
                continue;
            }
            let filled = path.replace("{id}", "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11").replace(['{', '}'], "");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(filled);
            let answer = bench.call(request.header("Idempotency-Key", "a").body(Body::empty()).unwrap()).await;
            assert_eq!(answer.problem(), "not-supported", "{method} {path}");
            let told = &call["responses"]["422"]["content"]["application/problem+json"]["examples"];
            assert!(told["not-supported"].is_object(), "{method} {path} does not tell that it refuses a key");
        }
    }
    assert_eq!(taken, ["/api/v1/jobs/{id}/trigger", "/api/v1/tasks", "/api/v1/tasks/batch"]);
}

#[test]
fn every_call_has_a_summary_a_tag_and_an_answer_that_is_good() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            assert!(call["summary"].is_string(), "{method} {path} has no summary");
            let tag = call["tags"][0].as_str().unwrap_or_else(|| panic!("{method} {path} has no tag"));
            let known = document["tags"].as_array().unwrap().iter().any(|known| known["name"] == tag);
            assert!(known, "{method} {path}: the tag `{tag}` is not explained in `Frame`");
            let answers = call["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path} never answers well");
            assert!(answers.contains_key("421"), "{method} {path} lists no `problems!`");
        }
    }
}

#[test]
fn every_shape_that_is_named_is_there() {
    let document = document();
    let text = openapi();
    for named in text.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(named).is_some(), "{named}: add it to `Frame`");
    }
}

#[test]
fn no_header_is_null_and_no_body_has_other_keys() {
    let document = document();
    let calls = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for call in calls {
        for parameter in call["parameters"].as_array().into_iter().flatten() {
            let schema = parameter["schema"].to_string();
            assert!(parameter["in"] != "header" || !schema.contains("null"), "{schema}");
        }
        let bodies = call["requestBody"]["content"].as_object().into_iter().flat_map(serde_json::Map::values);
        for body in bodies {
            let name = body["schema"]["$ref"].as_str().unwrap().trim_start_matches('#');
            assert_eq!(document.pointer(name).unwrap()["additionalProperties"], false, "{name}");
        }
    }
}

#[test]
fn every_problem_is_listed_where_it_comes_from() {
    let document = openapi();
    // No call is to blame for these.
    let outside = [ProblemType::NoRoute, ProblemType::NoMethod];
    for class in ProblemType::ALL.iter().filter(|class| !outside.contains(class)) {
        let listed = document.matches(&format!("\"{}\": {{", class.name())).count();
        assert!(listed > 0, "no call lists `{}`", class.name());
    }
}

#[test]
fn the_keys_of_a_submission_are_those_of_the_document() {
    let document = document();
    let shape = document["components"]["schemas"]["Submit"]["properties"].as_object().unwrap();
    let mut keys = crate::api::submit::KEYS.to_vec();
    keys.sort_unstable();
    assert_eq!(shape.keys().map(String::as_str).collect::<Vec<_>>(), keys);
}
