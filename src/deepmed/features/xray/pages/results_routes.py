"""Addresses of what a training came to: `/xrays/runs/{run_id}/results`, comparison, prediction."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
